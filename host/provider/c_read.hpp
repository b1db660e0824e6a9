// Reads what a plugin hands over in leaf types of the contract, as hostile input: nothing is read before its size or
// count has been found bearable. What breaks the contract is thrown as Breach. Knows no sink.
#pragma once

#include <berth/plugin.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/error.hpp"
#include "values.hpp"

namespace berth::inline host_v1 {

/// A plugin broke the contract. Its own type, so that it is never mistaken for a failure of the host's own objects.
class Breach : public Error {
public:
    /// `message` says what the plugin did: "the plugin ...".
    Breach(const Diagnostic& diagnostic, std::string message);
};

/// The most that is read from a plugin at once.
struct ReadLimits {
    static constexpr std::uint64_t name = 4096;
    static constexpr std::uint64_t text = std::uint64_t{64} * 1024;
    static constexpr std::uint64_t value = std::uint64_t{1024} * 1024;
    static constexpr std::uint64_t pairs = 10'000;
    static constexpr std::uint64_t pair_bytes = std::uint64_t{8} * 1024 * 1024;
};

/// The bytes behind a view; `field` names it in messages. Absent and empty are both empty.
[[nodiscard]] std::string_view read_bytes(berth_str view, std::string_view field, std::uint64_t longest);
/// The same, and it must be UTF-8.
[[nodiscard]] std::string read_text(berth_str view, std::string_view field, std::uint64_t longest = ReadLimits::text);
/// The same for text that only people read: what is not UTF-8 is made printable.
[[nodiscard]] std::string read_shown_text(berth_str view, std::string_view field,
                                          std::uint64_t longest = ReadLimits::text);
/// 1-128 of [A-Za-z0-9._-], not "." or "..".
[[nodiscard]] std::string read_id(berth_str view, std::string_view field);
[[nodiscard]] bool is_id(std::string_view text) noexcept;

[[nodiscard]] std::optional<std::int64_t> read(berth_opt_i64 number);
[[nodiscard]] std::optional<std::uint64_t> read(berth_opt_u64 number);
/// Finite and not negative.
[[nodiscard]] std::optional<double> read(berth_opt_f64 number, std::string_view field);
/// Between 1970 and the year 9999.
[[nodiscard]] Moment read_moment(std::int64_t milliseconds, std::string_view field);
[[nodiscard]] std::optional<Moment> read_moment(berth_opt_i64 milliseconds, std::string_view field);

/// In the plugin's order; names and values made printable where they are not UTF-8.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> read_shown_pairs(berth_pairs pairs,
                                                                                std::string_view field);
/// Unique names, UTF-8 throughout.
[[nodiscard]] Variables read_labels(berth_pairs pairs, std::string_view field);

struct ReadVariables {
    Variables values;              ///< as they are, secrets included
    std::set<std::string> secret;  ///< names that carry BERTH_PAIR_SECRET
};
/// Environment variables: unique well-formed names, values without NUL.
[[nodiscard]] ReadVariables read_variables(berth_pairs pairs, std::string_view field);
/// One of them, added to those before it.
void read_variable(const berth_pair& pair, std::string_view field, ReadVariables& into);

}  // namespace berth::inline host_v1
