#include "cli/columns.h"

#include <gtest/gtest.h>

namespace vambrace::cli {
namespace {

TEST(Columns, LineUpAndLeaveNoSpaceAtTheEnd) {
  Columns table({{"name"}, {"calls", Columns::Align::Right}, {"note"}});
  table.row({"nginx", "7"});
  table.row({"sh", "1234", "helper"});
  EXPECT_EQ(table.print(),
            "name   calls  note\n"
            "nginx      7\n"
            "sh      1234  helper\n");
}

TEST(Columns, CountCharactersAndNotColors) {
  Columns table({{""}, {""}});
  table.row({"\x1b[1mgrün\x1b[0m", "x"});
  table.row({"abcde", "y"});
  EXPECT_EQ(table.print(), "\x1b[1mgrün\x1b[0m   x\nabcde  y\n");
}

TEST(Counted, TakesAnSUnlessItIsOne) {
  EXPECT_EQ(counted(0, "recording"), "0 recordings");
  EXPECT_EQ(counted(1, "recording"), "1 recording");
  EXPECT_EQ(counted(2, "recording"), "2 recordings");
}

}  // namespace
}  // namespace vambrace::cli
