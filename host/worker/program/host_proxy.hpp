// `berth_host` inside a worker: settings that came with `open`, and services that ask the host. Knows no method.
#pragma once

#include <berth/plugin.h>

#include <map>
#include <string>
#include <vector>

#include "../wire/codec.hpp"

namespace berth::inline host_v1::worker {

class WorkerBody;

/// Lives from before `open` until the worker ends. Any thread.
class HostProxy {
public:
    /// `description`: what put_host() of the host's side wrote.
    HostProxy(WorkerBody& body, std::string description);
    HostProxy(const HostProxy&) = delete;
    HostProxy& operator=(const HostProxy&) = delete;
    [[nodiscard]] const berth_host* face() const noexcept { return &face_; }

private:
    struct Functions;
    WorkerBody& body_;
    const std::string description_;  ///< what the views of the settings point into
    wire::Decoder decoder_;
    std::vector<berth_setting> settings_;
    std::map<std::string_view, std::size_t> places_;
    berth_host face_{};
};

}  // namespace berth::inline host_v1::worker
