// Every secret value the host has handed out, so that no log line and no error text shows one. Knows not where they
// come from.
#pragma once

#include <cstddef>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace berth::inline host_v1 {

/// What stands in place of a secret wherever a person could read it.
inline constexpr std::string_view secret_mask = "***";

class KnownSecrets {
public:
    /// A shorter value is not masked: it would tear holes into every text and protect nothing.
    static constexpr std::size_t shortest = 4;
    /// The newest are kept: tokens that are renewed for months must not fill the memory.
    static constexpr std::size_t most = 1024;

    /// From the first secret on this process leaves no core dump, which would hold it. For programs that own their
    /// process; before add().
    void keep_out_of_core_dumps() noexcept { forbids_core_dumps_ = true; }

    void add(std::string_view secret);                            ///< any thread
    [[nodiscard]] std::string mask(std::string_view text) const;  ///< any thread
    [[nodiscard]] bool found_in(std::string_view text) const;     ///< any thread

private:
    mutable std::shared_mutex mutex_;
    std::vector<std::string> secrets_;  ///< oldest first
    bool forbids_core_dumps_ = false;
};

/// `text` with each of `secrets` masked, longer ones first: one may be the beginning of another.
[[nodiscard]] std::string masked(std::string_view text, std::vector<std::string_view> secrets);

}  // namespace berth::inline host_v1
