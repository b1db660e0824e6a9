#include "problems.hpp"

#include <algorithm>
#include <tuple>

namespace berth::inline host_v1 {

namespace {
constexpr std::size_t most_problems = 100;
}

void Problems::add(const Diagnostic& diagnostic, Place place, std::string message, std::string hint) {
    if (found_.size() >= most_problems) return;
    const bool known = std::any_of(found_.begin(), found_.end(), [&](const Found& found) {
        return found.place == place && found.error.diagnostic() == diagnostic.number &&
               found.error.fields().message == message;
    });
    if (known) return;
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = std::move(hint);
    fields.location = location_text(file_, place);
    found_.push_back(Found{place, Error(diagnostic, std::move(fields))});
}

std::vector<Error> Problems::sorted() const {
    auto found = found_;
    std::stable_sort(found.begin(), found.end(), [](const Found& left, const Found& right) {
        return std::tie(left.place.line, left.place.column) < std::tie(right.place.line, right.place.column);
    });
    std::vector<Error> errors;
    errors.reserve(found.size());
    for (auto& one : found)
        errors.push_back(std::move(one.error));
    return errors;
}

}  // namespace berth::inline host_v1
