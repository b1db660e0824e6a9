// The signatures of all methods, read off the contract's own tables: what of an argument crosses to the worker as a value,
// and what is an object of the host that the plugin calls. A method that exists in the contract and is forgotten here does
// not compile. Knows no socket.
#pragma once

#include <berth/plugin.h>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include "../../plugin/method_table.hpp"
#include "codec.hpp"

namespace berth::inline host_v1::wire {

/// In the order of Method.
inline constexpr std::tuple method_members{&berth_methods::create,
                                           &berth_methods::get,
                                           &berth_methods::list,
                                           &berth_methods::destroy,
                                           &berth_methods::execute,
                                           &berth_methods::execute_stream,
                                           &berth_methods::upload_files,
                                           &berth_methods::download_files,
                                           &berth_methods::get_resource_usage,
                                           &berth_methods::is_ready,
                                           &berth_methods::restart,
                                           &berth_methods::create_snapshot,
                                           &berth_methods::restore_snapshot,
                                           &berth_methods::get_logs,
                                           &berth_methods::set_environment_variables,
                                           &berth_methods::get_environment_variables,
                                           &berth_snapshots::list,
                                           &berth_snapshots::remove};
inline constexpr std::size_t method_count = std::tuple_size_v<decltype(method_members)>;
static_assert(method_count == method_table.size());
// `size` and `flags`, then one pointer a method: nothing of the tables is missing above.
static_assert(sizeof(berth_methods) + sizeof(berth_snapshots) ==
              4 * sizeof(std::uint32_t) + method_count * sizeof(void (*)()));

/// Calls beside the methods: the plugin's own functions that take a call.
inline constexpr std::size_t open_call = method_count;
inline constexpr std::size_t describe_call = method_count + 1;
inline constexpr std::size_t close_call = method_count + 2;

/// The host's objects for one call. A method uses those that its signature names.
struct CallObjects {
    berth_info_sink* info = nullptr;
    berth_usage_sink* usage = nullptr;
    berth_ready_sink* ready = nullptr;
    berth_pairs_sink* pairs = nullptr;
    berth_bytes_sink* bytes = nullptr;
    berth_feature_sink* feature = nullptr;
    berth_snapshot_sink* snapshot = nullptr;
    berth_process_sink* process = nullptr;
    berth_file_source* source = nullptr;
    berth_file_sink* files = nullptr;

    static constexpr auto members =
        std::tuple{&CallObjects::info,   &CallObjects::usage,   &CallObjects::ready,    &CallObjects::pairs,
                   &CallObjects::bytes,  &CallObjects::feature, &CallObjects::snapshot, &CallObjects::process,
                   &CallObjects::source, &CallObjects::files};

    /// The member of that type, or nullptr when T is a value.
    template <typename T>
    static constexpr auto member() {
        return find<T, 0>();
    }

private:
    template <typename T, std::size_t Index>
    static constexpr auto find() {
        if constexpr (Index == std::tuple_size_v<decltype(members)>) {
            return nullptr;
        } else if constexpr (std::is_same_v<decltype(std::get<Index>(members)), T CallObjects::*const&>) {
            return std::get<Index>(members);
        } else {
            return find<T, Index + 1>();
        }
    }
};

/// An argument is an object of the host, and does not cross.
template <typename T>
inline constexpr bool is_object = !std::is_null_pointer_v<decltype(CallObjects::member<T>())>;

/// The host's side of an argument: values into the message, objects aside.
template <typename T>
void put_argument(Encoder& message, CallObjects& objects, T argument) {
    if constexpr (is_object<T>) {
        objects.*CallObjects::member<T>() = argument;
    } else {
        message.put(argument);
    }
}

/// The worker's side.
template <typename T>
T get_argument(Decoder& message, const CallObjects& objects) {
    if constexpr (is_object<T>) {
        return objects.*CallObjects::member<T>();
    } else {
        return message.get<T>();
    }
}

}  // namespace berth::inline host_v1::wire
