# Runs bpftool with its output to the file; a failure leaves no half-written
# header behind.
execute_process(COMMAND ${BPFTOOL} gen skeleton ${OBJECT} name ${NAME}
                OUTPUT_FILE ${OUT} RESULT_VARIABLE result
                ERROR_VARIABLE message)
if(NOT result EQUAL 0)
  file(REMOVE ${OUT})
  message(FATAL_ERROR "bpftool gen skeleton ${OBJECT}: ${message}")
endif()
