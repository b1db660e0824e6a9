// The one list of fields of every struct that crosses between a host and its worker. Encoding and decoding follow it, so
// a field can neither be written and not read, nor the reverse; and because the contract's structs have no padding, a
// member added to the header and forgotten here does not compile. Knows no bytes.
#pragma once

#include <berth/plugin.h>

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace berth::inline host_v1::wire {

template <typename T>
inline constexpr auto fields = nullptr;

template <>
inline constexpr auto fields<berth_environment> = std::tuple{&berth_environment::flags,
                                                             &berth_environment::env,
                                                             &berth_environment::cwd,
                                                             &berth_environment::timeout_ms,
                                                             &berth_environment::memory_limit_mib,
                                                             &berth_environment::cpu_limit};

template <>
inline constexpr auto fields<berth_sandbox_config> = std::tuple{
    &berth_sandbox_config::flags,           &berth_sandbox_config::environment,    &berth_sandbox_config::name,
    &berth_sandbox_config::template_name,   &berth_sandbox_config::setup_commands, &berth_sandbox_config::labels,
    &berth_sandbox_config::idempotency_key, &berth_sandbox_config::ttl_ms,         &berth_sandbox_config::idle_ttl_ms,
    &berth_sandbox_config::disk_limit_mib,  &berth_sandbox_config::pids_limit,     &berth_sandbox_config::network_allow,
    &berth_sandbox_config::network,         &berth_sandbox_config::reserved,       &berth_sandbox_config::extra};

template <>
inline constexpr auto fields<berth_process> = std::tuple{
    &berth_process::flags,   &berth_process::environment,   &berth_process::command,        &berth_process::args,
    &berth_process::input,   &berth_process::kill_grace_ms, &berth_process::drain_grace_ms, &berth_process::rows,
    &berth_process::columns, &berth_process::terminal,      &berth_process::extra};

template <>
inline constexpr auto fields<berth_process_end> =
    std::tuple{&berth_process_end::flags,  &berth_process_end::kind,     &berth_process_end::exit_code,
               &berth_process_end::signal, &berth_process_end::reserved, &berth_process_end::duration_ms};

template <>
inline constexpr auto fields<berth_usage> = std::tuple{&berth_usage::flags,
                                                       &berth_usage::cpu_percent,
                                                       &berth_usage::memory_bytes,
                                                       &berth_usage::disk_bytes,
                                                       &berth_usage::network_received_bytes,
                                                       &berth_usage::network_sent_bytes,
                                                       &berth_usage::process_count,
                                                       &berth_usage::memory_limit_bytes,
                                                       &berth_usage::cpu_limit_percent,
                                                       &berth_usage::disk_limit_bytes,
                                                       &berth_usage::sampled_at_ms};

template <>
inline constexpr auto fields<berth_sandbox_info> =
    std::tuple{&berth_sandbox_info::flags,         &berth_sandbox_info::id,
               &berth_sandbox_info::state,         &berth_sandbox_info::network,
               &berth_sandbox_info::created_at_ms, &berth_sandbox_info::last_used_at_ms,
               &berth_sandbox_info::expires_at_ms, &berth_sandbox_info::environment,
               &berth_sandbox_info::usage,         &berth_sandbox_info::idempotency_key,
               &berth_sandbox_info::name,          &berth_sandbox_info::template_name,
               &berth_sandbox_info::error_text,    &berth_sandbox_info::backend_id,
               &berth_sandbox_info::labels,        &berth_sandbox_info::facts};

template <>
inline constexpr auto fields<berth_log_options> =
    std::tuple{&berth_log_options::flags, &berth_log_options::lines, &berth_log_options::since_ms};

template <>
inline constexpr auto fields<berth_file_entry> = std::tuple{
    &berth_file_entry::flags, &berth_file_entry::kind,        &berth_file_entry::mode,  &berth_file_entry::operation,
    &berth_file_entry::path,  &berth_file_entry::link_target, &berth_file_entry::length};

template <>
inline constexpr auto fields<berth_feature> =
    std::tuple{&berth_feature::flags, &berth_feature::name, &berth_feature::reason};

template <>
inline constexpr auto fields<berth_snapshot_info> =
    std::tuple{&berth_snapshot_info::flags,         &berth_snapshot_info::id,
               &berth_snapshot_info::name,          &berth_snapshot_info::sandbox_id,
               &berth_snapshot_info::created_at_ms, &berth_snapshot_info::size_bytes,
               &berth_snapshot_info::expires_at_ms};

template <>
inline constexpr auto fields<berth_error> = std::tuple{&berth_error::flags,
                                                       &berth_error::code,
                                                       &berth_error::outcome,
                                                       &berth_error::message,
                                                       &berth_error::hint,
                                                       &berth_error::details,
                                                       &berth_error::index,
                                                       &berth_error::path,
                                                       &berth_error::retry_after_ms,
                                                       &berth_error::upstream_code,
                                                       &berth_error::upstream_request_id};

template <>
inline constexpr auto fields<berth_http_request> = std::tuple{
    &berth_http_request::flags,   &berth_http_request::method,      &berth_http_request::url,
    &berth_http_request::headers, &berth_http_request::body,        &berth_http_request::body_length,
    &berth_http_request::idle_ms, &berth_http_request::unix_socket, &berth_http_request::retry_after_headers};

template <>
inline constexpr auto fields<berth_http_head> =
    std::tuple{&berth_http_head::flags,   &berth_http_head::status,         &berth_http_head::reserved,
               &berth_http_head::headers, &berth_http_head::retry_after_ms, &berth_http_head::length};

template <>
inline constexpr auto fields<berth_socket_message> =
    std::tuple{&berth_socket_message::kind, &berth_socket_message::bytes, &berth_socket_message::close_code,
               &berth_socket_message::reserved};

template <>
inline constexpr auto fields<berth_setting> =
    std::tuple{&berth_setting::flags, &berth_setting::kind,    &berth_setting::boolean, &berth_setting::pointer,
               &berth_setting::text,  &berth_setting::integer, &berth_setting::number};

/// A struct of the contract that grows, and has its list here.
template <typename T>
inline constexpr bool is_listed = !std::is_same_v<std::remove_cv_t<decltype(fields<T>)>, std::nullptr_t>;

namespace detail {

template <typename T, typename Member>
Member member_type(Member T::*);

template <typename... Members>
constexpr std::size_t bytes_of(const std::tuple<Members...>&) {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): of the member, pointer or not
    return (sizeof(decltype(member_type(Members{}))) + ...);
}

}  // namespace detail

/// True when the list of T names every member: all but `size`, which each side fills in itself.
template <typename T>
inline constexpr bool is_complete = sizeof(std::uint32_t) + detail::bytes_of(fields<T>) == sizeof(T);

static_assert(is_complete<berth_environment> && is_complete<berth_sandbox_config> && is_complete<berth_process> &&
              is_complete<berth_process_end> && is_complete<berth_usage> && is_complete<berth_sandbox_info> &&
              is_complete<berth_log_options> && is_complete<berth_file_entry> && is_complete<berth_feature> &&
              is_complete<berth_snapshot_info> && is_complete<berth_error> && is_complete<berth_http_request> &&
              is_complete<berth_http_head> && is_complete<berth_socket_message> && is_complete<berth_setting>);

}  // namespace berth::inline host_v1::wire
