// The inside of a worker: one plugin, its instance, and the sockets to the host. berth-worker is a process around it; tests
// run it on a thread. Knows no provider and no configuration.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../../plugin/loader.hpp"
#include "../wire/link.hpp"
#include "../wire/shared_bytes.hpp"
#include "call_slot.hpp"

namespace berth::inline host_v1::worker {

class HostProxy;

/// A socket for questions, and the memory that their bytes travel in. Used by one thread of the plugin at a time.
struct ServiceChannel {
    ServiceChannel(FileDescriptor socket, FileDescriptor memory)
        : link(std::move(socket)), bytes(wire::SharedBytes::adopt(std::move(memory))) {
        bytes.close_descriptor();
    }
    wire::Link link;
    wire::SharedBytes bytes;
};

class WorkerBody {
public:
    /// Loads the plugin that the host names. Throws Error.
    using Loader = std::function<const LoadedPlugin&(const std::string& path, const std::string& mapped_path,
                                                     const FileIdentity& identity)>;

    WorkerBody(FileDescriptor control, Loader loader);
    WorkerBody(const WorkerBody&) = delete;
    WorkerBody& operator=(const WorkerBody&) = delete;
    /// Waits for methods that still run.
    ~WorkerBody();

    /// Serves until the host is gone. The thread that calls it never waits for the plugin, except while it loads.
    void serve();

    // --- for the calls of this worker, any thread ---
    [[nodiscard]] const LoadedPlugin& plugin() const noexcept { return *plugin_; }
    void say(wire::FrameKind kind, std::uint64_t call, std::string_view payload);
    /// A channel of its own until it is given back. nullptr: the host is gone.
    [[nodiscard]] std::unique_ptr<ServiceChannel> borrow_service();
    void give_back(std::unique_ptr<ServiceChannel> channel);
    void* self = nullptr;             ///< the plugin's instance; written by `open` before any other call
    std::unique_ptr<HostProxy> host;  ///< the same

private:
    void load(std::string_view payload);
    void event(std::uint64_t call, std::string_view payload);
    void add_call_channel(wire::Frame frame);
    void add_service_channel(wire::Frame frame);

    wire::Link control_;
    std::mutex sending_;
    Loader loader_;
    const LoadedPlugin* plugin_ = nullptr;
    std::list<CallSlot> slots_;  ///< grows only, by the control thread
    std::mutex services_mutex_;
    std::condition_variable service_came_;
    std::vector<std::unique_ptr<ServiceChannel>> services_;
    bool ended_ = false;
};

}  // namespace berth::inline host_v1::worker
