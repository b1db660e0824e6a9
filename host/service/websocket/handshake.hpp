// The beginning of a WebSocket: what a client asks a server for, and whether the answer is one (RFC 6455, section 4).
// Knows no connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../socket_transport.hpp"
#include "beast.hpp"
#include "frames.hpp"

namespace berth::inline host_v1 {

using SocketAnswer = beast::http::response_parser<beast::http::buffer_body>;

/// A larger head is none.
inline constexpr std::uint32_t longest_answer_head = std::uint32_t{64} << 10U;
/// So much of the body of another answer is read for its words.
inline constexpr std::size_t longest_refusal = 2048;

/// Random, as each connection needs its own. Both throw where there is no randomness to be had.
[[nodiscard]] std::string make_socket_key();
[[nodiscard]] FrameMask make_frame_mask();
/// What a server answers to a key.
[[nodiscard]] std::string accept_of(std::string_view key);

using SocketRequest = beast::http::request<beast::http::empty_body>;
[[nodiscard]] SocketRequest request_of(const SocketPlan& plan, const std::string& user_agent, const std::string& key);
/// To a proxy, which is to connect us with the server.
[[nodiscard]] SocketRequest proxy_request_of(const SocketPlan& plan, const std::string& user_agent);
/// Why an answer with status 101 opens no WebSocket; nothing when it does.
[[nodiscard]] std::optional<std::string> objection_to(const SocketAnswer& answer, std::string_view key);
/// Another answer than 101, and the first words of its body.
[[nodiscard]] SocketFailure refusal_of(const SocketAnswer& answer, std::string_view body);

}  // namespace berth::inline host_v1
