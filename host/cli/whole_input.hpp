// Standard input read whole, for providers that cannot take it while it comes. Knows no provider.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>

namespace berth::inline host_v1::cli {

inline constexpr std::size_t most_whole_input = std::size_t{16} << 20U;

/// A file or pipe of at most 16 MiB, to its end. Throws Error: BERTH-X-08 for a terminal or more than that, naming
/// `provider`; BERTH-X-05 when it cannot be read; BERTH-X-06 when `stop` came first.
[[nodiscard]] std::string read_whole_input(int descriptor, std::string_view provider, const std::stop_token& stop);

}  // namespace berth::inline host_v1::cli
