#include "remote_plugin.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

using wire::CallObjects;
using wire::Encoder;

namespace {

WorkerConnection& connection_of(void* self) noexcept {
    return *static_cast<WorkerConnection*>(self);
}

CCall& call_of(berth_call* call) noexcept {
    return static_cast<CCall&>(*static_cast<ServiceCall*>(call->host_data));
}

/// The function that stands for one of the table's: same signature, its arguments over the socket.
template <std::size_t Index, typename... Arguments>
struct Stub {
    static berth_status call(void* self, berth_call* call, Arguments... arguments) {
        Encoder message;
        CallObjects objects;
        (wire::put_argument<Arguments>(message, objects, arguments), ...);
        return connection_of(self).run(Index, call_of(call), message.bytes(), objects);
    }
};

template <std::size_t Index, typename Table, typename... Arguments>
void fill_row(Table& table, berth_status (*Table::*member)(void*, berth_call*, Arguments...)) {
    table.*member = &Stub<Index, Arguments...>::call;
}

/// Row by row; `has` says which of them the plugin has.
template <std::size_t... Index, typename Has>
void fill(berth_methods& methods, berth_snapshots& snapshots, std::index_sequence<Index...>, const Has& has) {
    const auto one = [&]<std::size_t Row>(std::integral_constant<std::size_t, Row>) {
        constexpr auto member = std::get<Row>(wire::method_members);
        if (!has(static_cast<Method>(Row))) return;
        if constexpr (requires { methods.*member; }) {
            fill_row<Row>(methods, member);
        } else {
            fill_row<Row>(snapshots, member);
        }
    };
    (one(std::integral_constant<std::size_t, Index>{}), ...);
}

/// As HostProxy reads it.
Encoder described(const berth_host& host) {
    Encoder message;
    message.put(host.provider_name);
    berth_setting setting{};
    setting.size = sizeof setting;
    for (std::uint64_t index = 0; host.settings->at(&host, index, &setting) == BERTH_OK; ++index)
        message.put(&setting);
    return message;
}

berth_status open(const berth_host* host, berth_call* call, void** self) {
    auto& connection = connection_of(*self);
    connection.host(host);
    return connection.run(wire::open_call, call_of(call), described(*host).bytes(), {});
}

berth_status describe(void* self, berth_call* call, berth_feature_sink* sink) {
    CallObjects objects;
    objects.feature = sink;
    return connection_of(self).run(wire::describe_call, call_of(call), {}, objects);
}

void close(void* self) {
    connection_of(self).close_plugin();
}

const void* get_extension(berth_str /*id*/) {
    return nullptr;  // asked while a plugin is loaded, which happened elsewhere
}

}  // namespace

LoadedPlugin remote_plugin(const std::string& path, const Manifest& manifest, const LoadedFacts& facts) {
    LoadedPlugin loaded;
    loaded.path = path;
    loaded.manifest = manifest;
    loaded.minor = facts.minor;
    const auto has = [&](Method method) {
        return std::find(facts.methods.begin(), facts.methods.end(), method) != facts.methods.end();
    };
    for (const auto& row : method_table) {
        const auto& name = row.extension.empty() ? row.name : row.extension;
        const auto& provided = manifest.provides;
        const bool said = std::find(provided.begin(), provided.end(), name) != provided.end();
        if (said == has(row.method)) continue;
        throw Error(worker_diagnostics::other_methods,
                    "its worker says that the plugin " + std::string(said ? "has not " : "has ") +
                        std::string(row.name) + ", and its manifest says the opposite",
                    "Do not trust this file: what it says of itself differs from run to run");
    }
    berth_snapshots snapshots{};
    fill(loaded.methods, snapshots, std::make_index_sequence<wire::method_count>(), has);
    loaded.methods.size = sizeof loaded.methods;
    snapshots.size = sizeof snapshots;
    if (has(Method::list_snapshots)) loaded.snapshots = snapshots;
    loaded.plugin.size = sizeof loaded.plugin;
    loaded.plugin.minor = facts.minor;
    loaded.plugin.open = &open;
    loaded.plugin.describe = &describe;
    loaded.plugin.close = &close;
    loaded.plugin.get_extension = &get_extension;
    return loaded;
}

}  // namespace berth::inline host_v1
