// The sentences of the system's loader and what becomes of them.
#include "plugin/system_loader_message.hpp"

#include <doctest/doctest.h>

using namespace berth;

namespace {

bool says(const char* text, std::string_view number, std::string_view part) {
    const auto error = explain_load_failure(text, "/p/x.so");
    CHECK(error.fields().location == "/p/x.so");
    return error.diagnostic() == number && std::string_view(error.what()).find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a missing library is named") {
    CHECK(says("libacme.so.3: cannot open shared object file: No such file or directory", "BERTH-P-18",
               "\"libacme.so.3\", which is not installed"));
    CHECK(says("/p/x.so: cannot open shared object file: No such file or directory", "BERTH-P-07", "went away"));
}

TEST_CASE("a missing function is named") {
    CHECK(says("/p/x.so: undefined symbol: acme_open", "BERTH-P-19", "\"acme_open\""));
    CHECK(says("/p/x.so: undefined symbol: acme_open, version ACME_2", "BERTH-P-19", "\"acme_open\""));
}

TEST_CASE("a library that is too old is named with the version that is needed") {
    CHECK(says("/lib/libstdc++.so.6: version `GLIBCXX_3.4.99' not found (required by /p/x.so)", "BERTH-P-19",
               "\"GLIBCXX_3.4.99\" of \"/lib/libstdc++.so.6\""));
}

TEST_CASE("everything else is shown as it is, made fit for a terminal, with a hint where there is one") {
    CHECK(says("/p/x.so: failed to map segment from shared object", "BERTH-P-20", "noexec"));
    CHECK(says("/p/x.so: cannot allocate memory in static TLS block", "BERTH-P-20", "-ftls-model"));
    CHECK(says("something \x1b[2J new", "BERTH-P-20", "something \\x1b[2J new"));
}
