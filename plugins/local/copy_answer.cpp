#include "copy_answer.hpp"

#include <charconv>
#include <optional>
#include <type_traits>

namespace berth_local {
namespace {

constexpr std::string_view done = "done";
constexpr std::string_view failed = "failed";

template <class... Field>
std::string joined(const Field&... fields) {
    std::string text;
    ((text.append(fields).push_back('\0')), ...);
    return text;
}

std::string_view next_field(std::string_view& rest) {
    const std::size_t end = rest.find('\0');
    const std::string_view field = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return field;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string copy_answer(const Copied& copied) {
    return joined(done, std::to_string(copied.bytes), std::to_string(copied.entries), std::to_string(copied.skipped));
}

std::string copy_answer(const Failure& failure) {
    return joined(failed, std::to_string(failure.code), std::to_string(failure.outcome), failure.message, failure.hint,
                  failure.path);
}

Copied parse_copy_answer(std::string_view answer) {
    const std::string_view kind = next_field(answer);
    if (kind == failed) {
        Failure failure;
        failure.code = number<std::int32_t>(next_field(answer)).value_or(BERTH_INTERNAL);
        failure.outcome = number<std::int32_t>(next_field(answer)).value_or(BERTH_OUTCOME_UNKNOWN);
        failure.message = next_field(answer);
        failure.hint = next_field(answer);
        failure.path = next_field(answer);
        throw failure;
    }
    const auto bytes = number<std::uint64_t>(next_field(answer));
    const auto entries = number<std::uint64_t>(next_field(answer));
    const auto skipped = number<std::uint64_t>(next_field(answer));
    if (kind != done || !bytes || !entries || !skipped) {
        throw failure(BERTH_INTERNAL, "berth-root did not say what became of a copy");
    }
    return {*bytes, *entries, *skipped};
}

}  // namespace berth_local
