// Growing structs of the contract on their way between a plugin and this host, which may know different versions.
// What comes in is copied once into a full-size struct of this host; what goes out is cut to what the plugin knows.
// Knows no member but `size`.
#pragma once

#include <berth/plugin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

namespace berth::inline host_v1 {

/// How long each struct was in version 1.0 of the contract: the least a plugin may hand over. Frozen numbers; they do
/// not follow sizeof when a struct grows.
template <typename T>
inline constexpr std::uint32_t size_in_v1_0 = 0;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_environment> = 88;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_process_end> = 40;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_usage> = 168;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_sandbox_info> = 200;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_file_entry> = 72;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_feature> = 40;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_snapshot_info> = 96;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_error> = 144;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_event> = 24;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_setting> = 64;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_http_request> = 136;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_http_head> = 64;
template <>
inline constexpr std::uint32_t size_in_v1_0<berth_socket_message> = 32;

/// A full-size copy, zero where the plugin's version has no member. Absent when there is none or it is too short to be
/// of any version.
template <typename T>
[[nodiscard]] std::optional<T> admit(const T* incoming) noexcept {
    static_assert(std::is_trivially_copyable_v<T> && size_in_v1_0<T> != 0 && size_in_v1_0<T> <= sizeof(T));
    if (incoming == nullptr || incoming->size < size_in_v1_0<T>) return std::nullopt;
    T full{};
    std::memcpy(&full, incoming, std::min<std::size_t>(incoming->size, sizeof(T)));
    full.size = sizeof(T);
    return full;
}

/// Fills a struct that the plugin has made, as far as its version goes; `size` stays the plugin's. False when it is too
/// short to be of any version.
template <typename T>
[[nodiscard]] bool give_back(const T& full, T* outgoing) noexcept {
    static_assert(std::is_trivially_copyable_v<T> && size_in_v1_0<T> != 0 && size_in_v1_0<T> <= sizeof(T));
    if (outgoing == nullptr || outgoing->size < size_in_v1_0<T>) return false;
    const auto size = outgoing->size;
    std::memcpy(outgoing, &full, std::min<std::size_t>(size, sizeof(T)));
    outgoing->size = size;
    return true;
}

}  // namespace berth::inline host_v1
