// JSON text from strangers: bounded depth, and no object with two keys of one name (a parser that keeps the last one
// lets two readers of one text see different things). Knows no manifest.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

namespace berth::inline host_v1 {

/// Says in a sentence what is wrong with the text.
class JsonProblem : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws JsonProblem. The depth of the result is at most `max_depth`, so recursion over it is safe.
[[nodiscard]] nlohmann::json parse_strict_json(std::string_view text, std::size_t max_depth);

}  // namespace berth::inline host_v1
