// C++ values as the request structs of the contract: views into values that the caller keeps. Absent stays absent and
// empty stays empty. Knows no rule about what may be asked.
#pragma once

#include <berth/plugin.h>

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "provider.hpp"
#include "values.hpp"

namespace berth::inline host_v1 {

/// Present, even when empty.
[[nodiscard]] berth_str c_view(std::string_view text) noexcept;

[[nodiscard]] std::vector<berth_str> c_views(std::span<const std::string> texts);
/// `secret`: names whose pairs carry BERTH_PAIR_SECRET.
[[nodiscard]] std::vector<berth_pair> c_pairs(const Variables& variables, const std::set<std::string>& secret = {});
[[nodiscard]] berth_strs c_list(const std::vector<berth_str>& views) noexcept;
[[nodiscard]] berth_pairs c_list(const std::vector<berth_pair>& pairs) noexcept;

/// Not copyable: it points into itself and into the values it was made from.
class CEnvironment {
public:
    CEnvironment(const Environment& environment, const std::set<std::string>& secret);
    CEnvironment(const CEnvironment&) = delete;
    CEnvironment& operator=(const CEnvironment&) = delete;
    [[nodiscard]] const berth_environment* face() const noexcept { return &face_; }

private:
    std::vector<berth_pair> env_;
    berth_environment face_{};
};

class CSandboxConfig {
public:
    explicit CSandboxConfig(const SandboxConfig& config);
    [[nodiscard]] const berth_sandbox_config* face() const noexcept { return &face_; }

private:
    CEnvironment environment_;
    std::vector<berth_str> setup_commands_;
    std::vector<berth_pair> labels_;
    std::vector<berth_str> network_allow_;
    std::vector<berth_pair> extra_;
    berth_sandbox_config face_{};
};

class CProcess {
public:
    explicit CProcess(const ProcessConfig& process);
    [[nodiscard]] const berth_process* face() const noexcept { return &face_; }

private:
    CEnvironment environment_;
    std::vector<berth_str> args_;
    std::vector<berth_pair> extra_;
    berth_process face_{};
};

[[nodiscard]] berth_log_options c_log_options(const LogOptions& options, Provider::Follow follow) noexcept;

}  // namespace berth::inline host_v1
