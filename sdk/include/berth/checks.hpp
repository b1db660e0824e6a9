// Three helpers for authors: check a sandbox configuration, check a process, make an id. The host has made both checks
// before it enters a plugin; they serve where a provider builds requests of its own, and its unit tests.
#ifndef BERTH_CHECKS_HPP
#define BERTH_CHECKS_HPP

#include <sys/random.h>

#include <cmath>

#include "error.hpp"

namespace berth::inline sdk_v1 {

namespace detail {

[[noreturn]] inline void refuse(std::string message) {
    throw Error(Code::invalid_argument, std::move(message));
}

inline bool is_env_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    if (name.empty() || !letter(name[0])) return false;
    for (char c : name)
        if (!letter(c) && !(c >= '0' && c <= '9')) return false;
    return true;
}
inline void no_nul(std::string_view bytes, const char* what) {
    if (bytes.find('\0') != std::string_view::npos) refuse(std::string{what} + " must not contain a NUL byte");
}
inline void not_negative(std::optional<Duration> time, const char* what) {
    if (time && time->count() < 0) refuse(std::string{what} + " must not be negative");
}

}  // namespace detail

/// Throws Code::invalid_argument when a name, a value or a limit of `environment` is malformed.
inline void check_environment(const Environment& environment) {
    for (Pair variable : environment.env()) {
        if (!detail::is_env_name(variable.name))
            detail::refuse("the name of an environment variable must match [A-Za-z_][A-Za-z0-9_]*");
        detail::no_nul(variable.value, "the value of an environment variable");
    }
    if (const auto cwd = environment.cwd()) detail::no_nul(*cwd, "cwd");
    detail::not_negative(environment.timeout(), "timeout");
    if (const auto cpu = environment.cpu_limit(); cpu && !(std::isfinite(*cpu) && *cpu >= 0))
        detail::refuse("cpu_limit must be a number that is not negative");
}

/// Throws Code::invalid_argument when `config` is malformed.
inline void check_sandbox_config(const SandboxConfig& config) {
    check_environment(config.environment());
    if (const auto name = config.name()) {
        if (name->size() > 128) detail::refuse("name must have at most 128 bytes");
        for (char c : *name)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                detail::refuse("name must hold no control characters");
    }
    if (config.idempotency_key().empty()) detail::refuse("idempotency_key must not be empty");
    for (std::string_view line : config.setup_commands())
        detail::no_nul(line, "a setup command");
    detail::not_negative(config.ttl(), "ttl");
    detail::not_negative(config.idle_ttl(), "idle_ttl");
}

/// Throws Code::invalid_argument when `process` is malformed.
inline void check_process(const Process& process) {
    check_environment(process.environment());
    if (process.command().find_first_not_of(" \t\r\n\v\f") == std::string_view::npos)
        detail::refuse("command must not be empty or blank");
    detail::no_nul(process.command(), "command");
    for (std::string_view argument : process.args())
        detail::no_nul(argument, "an argument");
    if (process.live_stdin() && process.input()) detail::refuse("input and live stdin exclude each other");
}

/// A new id: `prefix`, the Unix time in milliseconds and nine random characters, such as
/// sandbox_1763880000000_k3x09qz1a.
inline std::string make_id(std::string_view prefix = "sandbox") {
    std::string id = std::string{prefix} + "_" + std::to_string(now().time_since_epoch().count()) + "_";
    while (id.size() < prefix.size() + 24) {
        unsigned char random = 0;
        if (getrandom(&random, 1, 0) != 1 || random >= 252) continue;  // 252 = 7 * 36: every character equally likely
        id += "0123456789abcdefghijklmnopqrstuvwxyz"[random % 36];
    }
    return id;
}

}  // namespace berth::inline sdk_v1

#endif
