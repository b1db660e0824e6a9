// What up- and downloads have in common: how far one is, who must hear of it, and how its errors name a file.
// Knows neither walking nor writing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../base/error.hpp"
#include "active_call.hpp"

namespace berth::inline host_v1 {

/// How far a copy is. One thread at a time.
class Transfer {
public:
    /// `total` in bytes, 0 when nobody knows.
    Transfer(ActiveCall& call, std::uint64_t total) noexcept : call_(call), total_(total) {}

    /// Bytes or an entry went through: patience begins anew, and a person may see it. Throws CANCELLED.
    void moved(std::string_view what, std::uint64_t bytes);
    [[nodiscard]] std::uint64_t bytes() const noexcept { return done_; }

private:
    ActiveCall& call_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
};

/// A failure of one file: `path` is what it is about, `operation` the caller's index.
[[nodiscard]] Error file_error(const Diagnostic& diagnostic, Code code, std::string message, std::string_view path,
                               std::uint64_t operation, std::string hint = {});

/// The same out of an errno value: "cannot <act>: No such file or directory".
[[nodiscard]] Error file_system_error(const Diagnostic& diagnostic, std::string_view act, int error_number,
                                      std::string_view path, std::uint64_t operation);

}  // namespace berth::inline host_v1
