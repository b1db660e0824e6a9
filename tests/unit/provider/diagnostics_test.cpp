// The numbers of the provider floor stand where they belong.
#include "provider/reported.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace berth;

TEST_CASE("a reported error's number is the number of its code in the contract") {
    for (std::int32_t number = 1; number <= 23; ++number) {
        const auto code = static_cast<Code>(number);
        const auto& diagnostic = provider_diagnostics::reported(code);
        CHECK(diagnostic.code == code);
        const auto digits = (number < 10 ? "0" : "") + std::to_string(number);
        CHECK(diagnostic.number == "BERTH-R-" + digits);
    }
}

TEST_CASE("no number of a breach is given twice") {
    std::set<std::string_view> numbers;
    for (const auto& diagnostic : provider_diagnostics::breaches)
        numbers.insert(diagnostic.number);
    CHECK(numbers.size() == provider_diagnostics::breaches.size());
}
