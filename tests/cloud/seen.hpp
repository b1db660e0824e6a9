// What was read of a command, kept and checked for its order: started before any output. For tests of plugins/cloud.
#pragma once

#include <doctest/doctest.h>

#include <functional>

#include "cloud/command_output.hpp"

namespace cloud_test {

struct Seen final : berth_cloud::CommandWatcher {
    void started(std::optional<std::int64_t> number) override {
        CHECK_FALSE(has_started);
        has_started = true;
        pid = number;
        if (on_start) on_start(*this);
    }
    void output(berth::Stream stream, std::string_view bytes) override {
        CHECK(has_started);
        (stream == berth::Stream::out ? out : err).append(bytes);
        if (on_output) on_output(*this);
    }
    bool has_started = false;
    std::optional<std::int64_t> pid;
    std::string out;
    std::string err;
    std::function<void(Seen&)> on_start;
    std::function<void(Seen&)> on_output;
};

}  // namespace cloud_test
