# Runs vambrace to write its own manual pages and completions below OUT, the
# pages compressed as Debian wants them (no time stamp, so equal builds are equal
# bytes).
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result ERROR_VARIABLE message)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${message}")
  endif()
endfunction()

file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/completions)
run(${VAMBRACE} man --output ${OUT}/man)
file(GLOB pages ${OUT}/man/*.1)
run(gzip -9n ${pages})
run(${VAMBRACE} completion bash OUTPUT_FILE ${OUT}/completions/vambrace)
run(${VAMBRACE} completion zsh OUTPUT_FILE ${OUT}/completions/_vambrace)
run(${VAMBRACE} completion fish OUTPUT_FILE ${OUT}/completions/vambrace.fish)
file(TOUCH ${OUT}/stamp)
