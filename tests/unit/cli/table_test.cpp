// Tables and fact sheets, exactly.
#include "cli/table.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::cli;

TEST_CASE("columns are aligned and no line ends in spaces") {
    Table table({"NAME", "STATE", "AGE"});
    table.add({"local/a", Cell("ready", Tone::good), "5s"});
    table.add({"local/long-name", Cell("error", Tone::bad), ""});
    CHECK(table.text(Colour::off) ==
          "NAME             STATE  AGE\n"
          "local/a          ready  5s\n"
          "local/long-name  error\n");
}

TEST_CASE("an empty table still has its titles") {
    CHECK(Table({"NAME", "STATE"}).text(Colour::off) == "NAME  STATE\n");
}

TEST_CASE("colour does not move columns") {
    Table table({"A", "B"});
    table.add({Cell("x", Tone::bad), "y"});
    CHECK(table.text(Colour::on) == "\x1b[2mA\x1b[0m  \x1b[2mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

TEST_CASE("characters count, not bytes") {
    Table table({"A", "B"});
    table.add({"\xc3\xa4\xc3\xb6", "x"});
    table.add({"abc", "y"});
    CHECK(table.text(Colour::off) == "A    B\n\xc3\xa4\xc3\xb6   x\nabc  y\n");
}

TEST_CASE("hostile text cannot leave its cell") {
    Table table({"NAME", "B"});
    table.add({"a\x1b[2J\nb\xff", "x"});
    const auto text = table.text(Colour::off);
    CHECK(text == "NAME             B\na\\x1b[2J\\nb\\xff  x\n");
}

TEST_CASE("a fact sheet aligns values and their further lines") {
    FactSheet sheet;
    sheet.add("Name", "local/a");
    sheet.add("Labels", "a=1\nb=2");
    sheet.add("None", "");
    sheet.add_if_any("Error", "");
    CHECK(sheet.text(Colour::off) ==
          "Name:    local/a\n"
          "Labels:  a=1\n"
          "         b=2\n"
          "None:\n");
}
