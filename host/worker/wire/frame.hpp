// What goes over the sockets between a host and its worker: frames, each of a kind, for a call, with a payload that the
// codec made. Three kinds of socket:
//
//   control   one for each worker. What concerns no call, and what must get through while a call stands still: events.
//   call      one for each method that runs; used again afterwards. The host sends the call; the worker sends what the
//             plugin puts into its sinks, without waiting for answers, and last how the method returned.
//             A call with live stdin goes over one on which descriptors may come; over the others none ever does, and
//             none ever comes from a worker.
//   service   one for each thread of the plugin that waits for the host: a question, its answer, and so on.
//
// Calls and services are apart because a plugin must reach its backend while the reader of its output is behind.
#pragma once

#include <cstdint>

namespace berth::inline host_v1::wire {

enum class FrameKind : std::uint16_t {
    // control, to the worker
    hello = 1,
    call_channel,     ///< with two descriptors: the socket, and the memory of its bytes
    input_channel,    ///< the same, for calls that bring a descriptor: live stdin
    service_channel,  ///< the same
    event,
    // control, to the host
    loaded,
    refused,
    event_taken,
    log,
    want_service,

    // call, to the worker
    call,
    released,  ///< so many bytes of the shared memory are free again; how the host's sink answered
    // call, to the host
    put_info,
    put_usage,
    put_ready,
    put_pair,
    put_feature,
    put_snapshot,
    write_bytes,
    process_started,
    process_output,
    process_ended,
    source_done,
    file_begin,
    file_write,
    file_commit,
    file_skip,
    fail,
    told_cancelled,  ///< the worker answered CANCELLED for the host
    breach,          ///< the plugin broke a rule where only the worker could see it; in words
    progress,
    returned,

    // service, to the host
    ask,
    // service, to the worker
    answer
};

/// In front of each payload.
struct FrameHeader {
    std::uint32_t size = 0;  ///< of the payload
    FrameKind kind{};
    std::uint16_t descriptors = 0;  ///< that come with it
    std::uint64_t call = 0;         ///< its number; 0: none
};
static_assert(sizeof(FrameHeader) == 16);

/// A larger payload breaks the protocol: the largest legal one is a request with a body, cut at wire::longest_view.
inline constexpr std::uint32_t largest_payload = std::uint32_t{160} << 20U;

/// What a plugin asks the host for and waits for.
enum class Question : std::uint8_t {
    begin_cleanup,
    secret,
    state_get,
    state_put,
    state_remove,
    state_list,
    http_open,
    http_write,
    http_finish,
    http_head,
    http_read,
    http_try_read,
    http_descriptor,
    http_close,
    socket_open,
    socket_send,
    socket_receive,
    socket_try_receive,
    socket_descriptor,
    socket_close,
    source_next,
    source_read,
    source_rewind,
    source_pipe
};

}  // namespace berth::inline host_v1::wire
