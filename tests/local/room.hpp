// What the tests of `local` share: a caller that can be steered, sinks and sources in
// memory, and a provider instance on a state tree of its own. The rooms are tested as they are, without the contract
// around.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "local/descriptor.hpp"
#include "local/failure.hpp"
#include "local/remove_tree.hpp"
#include "local/sandboxes.hpp"
#include "test_directory.hpp"

REGISTER_EXCEPTION_TRANSLATOR(berth_local::Failure& failure) {
    return doctest::String((failure.message + " | " + failure.hint).c_str());
}

namespace room {

namespace rooms = berth_local;

// Says what the test tells it to, from any thread.
class TestCaller : public rooms::Caller {
public:
    TestCaller() : events_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    void cancel() {
        cancelled_ = true;
        say({rooms::Event::Kind::cancel});
    }
    void signal(int number) { say({rooms::Event::Kind::signal, number}); }
    void detach() { say({rooms::Event::Kind::detach}); }
    void resize(std::uint32_t rows, std::uint32_t columns) { say({rooms::Event::Kind::resize, 0, rows, columns}); }
    void take_input_from(int descriptor) { input_ = descriptor; }

    [[nodiscard]] bool cancelled() const override { return cancelled_; }
    [[nodiscard]] int events() override { return events_.get(); }
    [[nodiscard]] std::optional<rooms::Event> next_event() override {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t size = ::read(events_.get(), &count, sizeof count);
            return std::nullopt;
        }
        const rooms::Event event = waiting_.front();
        waiting_.pop_front();
        return event;
    }
    [[nodiscard]] int input() override { return input_; }
    [[nodiscard]] std::int64_t begin_cleanup(std::int64_t wanted_ms) override { return cancelled_ ? wanted_ms : 0; }

private:
    void say(rooms::Event event) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(event);
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t size = ::write(events_.get(), &one, sizeof one);
    }

    rooms::Descriptor events_;
    std::mutex mutex_;
    std::deque<rooms::Event> waiting_;
    std::atomic<bool> cancelled_ = false;
    int input_ = -1;
};

// Keeps everything; `on_output` may act while the process runs.
class TestSink : public rooms::ProcessSink {
public:
    void started(std::optional<std::int64_t> number) override {
        has_started = true;
        pid = number;
        if (on_start) {
            on_start();
        }
    }
    Taken output(std::int32_t stream, std::string_view bytes,
                 const std::function<void(const rooms::Event&)>&) override {
        (stream == BERTH_STDOUT ? out : err) += bytes;
        if (on_output) {
            on_output();
        }
        return Taken::all;
    }
    bool has_started = false;
    std::optional<std::int64_t> pid;
    std::string out;
    std::string err;
    std::function<void()> on_start;
    std::function<void()> on_output;
};

struct MemoryFile {
    rooms::protocol::Kind kind = rooms::protocol::Kind::file;
    std::uint64_t operation = 0;
    std::string path;
    std::string content;  // or the target of a link
    std::optional<std::uint32_t> mode = {};
    bool top = true;
};

class MemorySource : public rooms::EntrySource {
public:
    MemorySource() = default;
    explicit MemorySource(std::vector<MemoryFile> files) : files_(std::move(files)) {}
    bool next(rooms::TransferEntry& entry) override {
        if (at_ == files_.size()) {
            return false;
        }
        current_ = &files_[at_++];
        offset_ = 0;
        const bool link = current_->kind == rooms::protocol::Kind::symlink;
        entry = {current_->kind, current_->operation, current_->path, link ? current_->content : std::string_view{}, {},
                 current_->mode, current_->top};
        return true;
    }
    std::size_t read(char* buffer, std::size_t capacity) override {
        const std::size_t size = current_->content.copy(buffer, capacity, offset_);
        offset_ += size;
        return size;
    }
    int pipe() override { return -1; }
    void done(std::uint64_t operation) override { operations_done.push_back(operation); }
    std::vector<std::uint64_t> operations_done;

private:
    std::vector<MemoryFile> files_;
    std::size_t at_ = 0;
    MemoryFile* current_ = nullptr;
    std::size_t offset_ = 0;
};

class MemorySink : public rooms::EntrySink {
public:
    void begin(const rooms::TransferEntry& entry) override {
        current_ = {entry.kind, entry.operation, std::string(entry.path), std::string(entry.target),
                    entry.mode, entry.top};
    }
    void write(std::string_view bytes) override { current_.content += bytes; }
    void commit() override { files.push_back(current_); }
    void skip(std::uint64_t, std::string_view path, std::string_view reason) override {
        skipped[std::string(path)] = reason;
    }
    [[nodiscard]] const MemoryFile* find(std::string_view path) const {
        for (const MemoryFile& file : files) {
            if (file.path == path) {
                return &file;
            }
        }
        return nullptr;
    }
    std::vector<MemoryFile> files;
    std::map<std::string, std::string> skipped;

private:
    MemoryFile current_;
};

struct Result {
    rooms::ProcessEnd end;
    std::string out;
    std::string err;
};

// Of a provider that keeps everything below this directory.
inline rooms::Settings settings_below(const std::filesystem::path& directory, const std::string& provider = "local") {
    rooms::Settings settings;
    settings.provider = provider;
    settings.state_directory = (directory / "state").string();
    settings.claims_directory = (directory / "uids").string();
    settings.init_program = BERTH_INIT_PROGRAM;
    settings.root_program = BERTH_ROOT_PROGRAM;
    settings.tar_program = BERTH_TAR_PROGRAM;
    settings.own_accounts = ::geteuid() == 0;
    settings.uid_range = rooms::default_uid_range();
    settings.template_uid_range = rooms::default_template_uid_range();
    return settings;
}

// Ends the sandboxes of a test that was killed, and removes its directory. What cannot be ended stays, and is told.
inline void remove_leftovers() {
    for (const std::unique_ptr<TemporaryDirectory>& left : TemporaryDirectory::left_behind()) {
        try {
            const std::filesystem::path state = left->path() / "state";
            if (!std::filesystem::exists(state)) {
                continue;
            }
            for (const auto& provider : std::filesystem::directory_iterator(state)) {
                TestCaller caller;
                rooms::Sandboxes sandboxes(settings_below(left->path(), provider.path().filename()));
                for (const rooms::Info& info : sandboxes.list(caller)) {
                    sandboxes.destroy(info.record.id, caller);
                }
            }
        } catch (const rooms::Failure& failure) {
            MESSAGE("an earlier test left behind ", left->path().string(), ": ", failure.message);
            left->keep();
        }
    }
}

// A provider on its own state tree, and one sandbox in it when asked for. Everything is gone with it.
class Provider {
public:
    Provider() : Provider([](rooms::Settings settings) { return settings; }) {}
    // `change`: what differs from the usual settings.
    explicit Provider(const std::function<rooms::Settings(rooms::Settings)>& change) : sandboxes(change(settings())) {
        ::signal(SIGPIPE, SIG_IGN);  // as every host has it (rule T4)
    }
    ~Provider() {
        try {
            for (const rooms::Info& info : sandboxes.list(caller)) {
                sandboxes.destroy(info.record.id, caller);
            }
        } catch (const rooms::Failure& failure) {
            MESSAGE("sandboxes were left behind: ", failure.message);
        }
    }
    [[nodiscard]] rooms::Settings settings() const {
        [[maybe_unused]] static const bool swept = (remove_leftovers(), true);
        return settings_below(directory.path());
    }
    std::string create(rooms::CreateRequest request = {}) {
        if (request.idempotency_key.empty()) {
            request.idempotency_key = rooms::random_name(20);
        }
        MemorySource none;
        return sandboxes.create(request, none, caller, [](const rooms::Info&) {}).record.id;
    }
    static rooms::RunRequest command(std::vector<std::string> arguments) {
        rooms::RunRequest request;
        request.process.arguments = std::move(arguments);
        request.process.kill_grace_ms = 2000;
        request.process.drain_grace_ms = 200;
        return request;
    }
    static rooms::RunRequest shell(std::string line) { return command({"sh", "-c", std::move(line)}); }
    Result run(const std::string& id, rooms::RunRequest request) {
        TestSink sink;
        TestCaller own;
        const rooms::ProcessEnd end = sandboxes.run(id, std::move(request), own, sink);
        return {end, sink.out, sink.err};
    }
    Result run(const std::string& id, std::string line) { return run(id, shell(std::move(line))); }

    TemporaryDirectory directory;
    rooms::Sandboxes sandboxes;
    TestCaller caller;
};

// The failure that `action` throws; the test fails when it throws none.
template <class Action>
rooms::Failure failure_of(Action&& action) {
    try {
        action();
    } catch (const rooms::Failure& failure) {
        return failure;
    }
    FAIL("nothing was thrown");
    return {};
}

struct Forked {
    pid_t process;
    std::string id;
};

// Forks a process that says the id of a sandbox, and may go on after that until it is killed.
inline Forked forked(const std::function<void(const std::function<void(const std::string&)>& say)>& act) {
    constexpr std::size_t id_size = 16;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const rooms::Descriptor reading(ends[0]);
    rooms::Descriptor writing(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        act([&](const std::string& id) {
            if (::write(writing.get(), id.data(), id.size()) != static_cast<ssize_t>(id_size)) {
                ::_exit(1);
            }
        });
        ::_exit(0);
    }
    writing.reset();
    char id[id_size];
    REQUIRE(::read(reading.get(), id, sizeof id) == sizeof id);
    return {child, std::string(id, sizeof id)};
}

// In a directory; one that is not there has none.
inline std::size_t entries(const std::filesystem::path& path) {
    using Iterator = std::filesystem::directory_iterator;
    return std::filesystem::exists(path) ? static_cast<std::size_t>(std::distance(Iterator(path), Iterator())) : 0;
}

// Nothing of any sandbox may be left in the state tree, and no uid claimed.
inline void check_nothing_left(const Provider& provider) {
    const std::filesystem::path state = provider.directory.path() / "state" / "local";
    CHECK(entries(state / "sandboxes") == 0);
    CHECK(entries(state / "keys") == 0);
    CHECK(entries(state / "unfinished") == 0);
    CHECK(entries(state / "expiring") == 0);
    if (std::filesystem::exists(provider.directory.path() / "uids")) {
        CHECK(entries(provider.directory.path() / "uids") == 0);
    }
}

inline void wait_until(const std::function<bool()>& holds) {
    // A bound that only something broken reaches, also on a machine with ten times more to do than it can.
    // What held once need not hold a moment later, so nobody asks again.
    for (int i = 0; i < 12'000; ++i) {
        if (holds()) {
            return;
        }
        ::poll(nullptr, 0, 5);
    }
    FAIL_CHECK("what was waited for never came");
}

}  // namespace room
