// What the tests of the provider floor share: a call with a log that remembers, shorthand for views, and a plugin made
// of functions.
#pragma once

#include <berth/plugin.h>
#include <doctest/doctest.h>
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "plugin/loader.hpp"
#include "provider/c_call.hpp"
#include "provider/direct_provider.hpp"

namespace berth_test {

using namespace berth;

/// Whether a thread of this process waits for something.
inline bool sleeps(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string number;
    std::string name;
    std::string state;
    file >> number >> name >> state;
    return state == "S";
}

/// A log whose lines can be looked at.
class Lines {
public:
    [[nodiscard]] std::shared_ptr<Log> log() {
        return std::make_shared<Log>(LogLevel::trace, [this](LogLevel, std::string_view line) {
            const std::lock_guard lock(mutex_);
            lines_.emplace_back(line);
            came_.notify_all();
        });
    }
    /// Until one holds `part`: what a plugin logs in a worker comes by another way than what its call returns.
    void wait_for(std::string_view part) const {
        std::unique_lock lock(mutex_);
        came_.wait(lock, [&] {
            return std::any_of(lines_.begin(), lines_.end(),
                               [&](const std::string& line) { return line.find(part) != std::string::npos; });
        });
    }
    [[nodiscard]] std::string all() const {
        const std::lock_guard lock(mutex_);
        std::string text;
        for (const auto& line : lines_)
            text += line + "\n";
        return text;
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable came_;
    std::vector<std::string> lines_;
};

/// A call and its C face.
struct FacedCall {
    explicit FacedCall(Call::Options options = {.method = "get"}, std::vector<std::string_view> secrets = {})
        : log(lines.log()), call(std::move(options)), face(call, *log, std::move(secrets)) {}
    Lines lines;
    std::shared_ptr<Log> log;
    Call call;
    CCall face;
};

inline berth_str text(std::string_view view) {
    return {view.data() == nullptr ? "" : view.data(), view.size()};
}

inline berth_bytes bytes(std::string_view view) {
    return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

inline berth_environment environment() {
    berth_environment full{};
    full.size = sizeof full;
    return full;
}

/// A sandbox that is right in everything. `environment` must outlive it.
inline berth_sandbox_info info(std::string_view id, const berth_environment& environment) {
    berth_sandbox_info full{};
    full.size = sizeof full;
    full.id = text(id);
    full.state = BERTH_STATE_READY;
    full.created_at_ms = 1'790'000'000'000;
    full.environment = &environment;
    return full;
}

inline berth_process_end exited(int code) {
    berth_process_end end{};
    end.size = sizeof end;
    end.kind = BERTH_ENDED_EXITED;
    end.exit_code = code;
    return end;
}

inline berth_error error(std::int32_t code, std::string_view message) {
    berth_error full{};
    full.size = sizeof full;
    full.code = code;
    full.message = text(message);
    return full;
}

/// The number of the breach that was recorded, or "".
inline std::string breach_of(CCall& call) {
    const auto records = call.take_records();
    return records.breach ? std::string(records.breach->diagnostic()) : std::string();
}

/// A plugin whose methods are functions of the test. One at a time: C functions have nowhere to keep which one.
class FakePlugin {
public:
    FakePlugin();
    FakePlugin(const FakePlugin&) = delete;
    FakePlugin& operator=(const FakePlugin&) = delete;
    ~FakePlugin();

    /// Opens it as the provider "acme".
    std::unique_ptr<Provider> open(Settings settings = {}, EnvironmentVariables environment = {});

    std::function<berth_status(const berth_host*, berth_call*)> on_open;
    std::function<berth_status(berth_call*, berth_feature_sink*)> on_describe;
    std::function<void()> on_close;
    std::function<berth_status(berth_call*, const berth_sandbox_config*, berth_file_source*, berth_info_sink*)> create;
    std::function<berth_status(berth_call*, berth_str, berth_info_sink*)> get;
    std::function<berth_status(berth_call*, berth_info_sink*)> list;
    std::function<berth_status(berth_call*, berth_str)> destroy;
    std::function<berth_status(berth_call*, berth_str, const berth_process*, berth_process_sink*)> execute;
    std::function<berth_status(berth_call*, berth_str, berth_file_source*)> upload_files;
    std::function<berth_status(berth_call*, berth_str, berth_strs, berth_file_sink*)> download_files;
    std::function<berth_status(berth_call*, berth_str, berth_usage_sink*)> get_resource_usage;
    std::function<berth_status(berth_call*, berth_str, berth_ready_sink*)> is_ready;
    std::function<berth_status(berth_call*, berth_str, berth_str, berth_bytes_sink*)> create_snapshot;
    std::function<berth_status(berth_call*, berth_str, berth_pairs_sink*)> get_environment_variables;
    std::function<berth_status(berth_call*, berth_str, const berth_log_options*, berth_bytes_sink*)> get_logs;
    std::function<berth_status(berth_call*, berth_str, berth_pairs, berth_strs)> set_environment_variables;
    std::function<berth_status(berth_call*, berth_snapshot_sink*)> list_snapshots;

    std::atomic<int> opened{0};
    std::atomic<int> closed{0};
    LoadedPlugin loaded;
    Lines lines;
#ifdef THROUGH_WORKER
    std::list<std::thread> workers;  ///< each is the inside of a worker, on a thread in place of a process
#endif
};

/// Nothing to upload.
class NoFiles final : public FileSource {
public:
    std::optional<FileEntry> next() override { return std::nullopt; }
    std::size_t read(std::span<std::byte>) override { return 0; }
    bool rewind() override { return false; }
    int pipe() override { return -1; }
    void done(std::uint64_t) override {}
};

/// One file of three bytes.
class OneFile final : public FileSource {
public:
    std::optional<FileEntry> next() override {
        if (std::exchange(given_, true)) return std::nullopt;
        FileEntry entry;
        entry.top = true;
        entry.path = "/workspace/a.txt";
        entry.length = 3;
        return entry;
    }
    std::size_t read(std::span<std::byte> buffer) override {
        if (std::exchange(read_, true)) return 0;
        std::copy_n(reinterpret_cast<const std::byte*>("abc"), 3, buffer.begin());
        return 3;
    }
    bool rewind() override { return false; }
    int pipe() override { return -1; }
    void done(std::uint64_t operation) override { done_with = operation; }
    std::optional<std::uint64_t> done_with;

private:
    bool given_ = false;
    bool read_ = false;
};

/// Keeps what a process wrote.
class Receiver final : public ProcessReceiver {
public:
    void started(std::optional<std::int64_t> pid) override { started_with = pid; }
    Taken output(OutputStream, std::string_view bytes) override {
        seen += bytes;
        return Taken::taken;
    }
    std::optional<std::int64_t> started_with;
    std::string seen;
};

/// The error that `function` throws.
template <typename Function>
Error error_of(Function&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return {Diagnostic{"BERTH-R-00", Code::internal}, "unreachable"};
}

/// A get that answers with one good info for `id`.
inline auto answers_for(std::string id) {
    return [id](berth_call*, berth_str, berth_info_sink* sink) {
        const auto env = environment();
        const auto full = info(id, env);
        return sink->put(sink, &full);
    };
}

}  // namespace berth_test
