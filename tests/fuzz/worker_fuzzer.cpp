// A hostile worker, as its host meets it: after an honest beginning, or none, it sends what the input says on every socket it
// has, with lying sizes, numbers, places in the shared memory and descriptors. Each call of the host ends, with a value that
// keeps the contract's bounds or with an error that has a number, and no descriptor stays. Input: who is hostile when, the
// method, then acts of a byte each with what they need. Built with BERTH_PLANTED_FAULT an output is read behind its end, which
// a working fuzzer finds.
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "hostile_worker.hpp"
#include "worker/worker_provider.hpp"

namespace {

using namespace berth;
using hostile::HostileWorker;
using hostile::Input;
using hostile::require;
using hostile::Stage;

class Receiver final : public ProcessReceiver {
public:
    void started(std::optional<std::int64_t>) override {}
    Taken output(OutputStream, std::string_view bytes) override {
        require(bytes.size() <= wire::SharedRing::longest, "an output beyond the limit");
        std::size_t size = bytes.size();
        const auto copy = std::make_unique<char[]>(size);
        bytes.copy(copy.get(), size);
#ifdef BERTH_PLANTED_FAULT
        if (size % 8 == 3) ++size;
#endif
        for (std::size_t index = 0; index < size; index += 64)
            sum += static_cast<unsigned char>(copy[index]);
        if (size > 0) sum += static_cast<unsigned char>(copy[size - 1]);
        return Taken::taken;
    }
    unsigned sum = 0;
};

class Source final : public FileSource {
public:
    std::optional<FileEntry> next() override {
        if (++entries_ > 2) return std::nullopt;
        FileEntry entry;
        entry.path = "file";
        entry.length = 5;
        left_ = 5;
        return entry;
    }
    std::size_t read(std::span<std::byte> into) override {
        const auto size = std::min(left_, into.size());
        std::fill_n(into.begin(), size, std::byte{'x'});
        left_ -= size;
        return size;
    }
    bool rewind() override { return true; }
    int pipe() override { return -1; }
    void done(std::uint64_t operation) override { require(operation < 2, "a file that was not sent"); }

private:
    int entries_ = 0;
    std::size_t left_ = 0;
};

class Sink final : public FileSink {
public:
    void begin(const FileEntry& entry) override { look_at(entry); }
    void write(std::string_view bytes) override {
        require(bytes.size() <= wire::SharedRing::longest, "bytes beyond the limit");
    }
    void commit() override {}
    void skip(const FileEntry& entry, std::string_view reason) override {
        look_at(entry);
        require(is_utf8(reason), "a reason that is no text");
    }

private:
    static void look_at(const FileEntry& entry) {
        require(entry.operation < 2, "an entry of no operation");
        require(entry.path.find('\0') == std::string::npos, "a path with NUL");
        require(!entry.mode || *entry.mode <= 0777, "a mode with more than permissions");
    }
};

void look_at(const SandboxInfo& info) {
    require(!info.id.empty() && info.id.size() <= 128 && info.id != "." && info.id != ".." &&
                info.id.find('/') == std::string::npos,
            "an id that is none");
    require(is_utf8(info.name), "a name that is no text");
    for (const auto& [name, value] : info.labels)
        require(is_utf8(name) && is_utf8(value), "a label that is no text");
}

void use(Provider& provider, std::uint8_t method) {
    static constexpr std::array<std::string_view, 10> names{"get",          "list",           "execute",  "create",
                                                            "upload_files", "download_files", "get_logs", "is_ready",
                                                            "destroy",      "list_snapshots"};
    const auto which = method % names.size();
    Call call({.method = names[which]});
    Receiver receiver;
    Source source;
    Sink sink;
    const std::vector<std::string> paths{"one", "two"};
    switch (which) {
        case 0: {
            const auto info = provider.get(call, "box");
            require(info.id == "box", "another sandbox than was asked for");
            return look_at(info);
        }
        case 1:
            for (const auto& info : provider.list(call))
                look_at(info);
            return;
        case 2: {
            const auto end = provider.execute(call, "box", {}, receiver);
            require(end.exit_code >= 0 && end.exit_code <= 255, "an exit code that is none");
            return;
        }
        case 3: {
            SandboxConfig config;
            config.idempotency_key = "key";
            return look_at(provider.create(call, config, source, [](const SandboxInfo& info) { look_at(info); }));
        }
        case 4:
            return provider.upload_files(call, "box", source);
        case 5:
            return provider.download_files(call, "box", paths, sink);
        case 6:
            return provider.get_logs(call, "box", {}, Provider::Follow::no, [](std::string_view) {});
        case 7:
            (void)provider.is_ready(call, "box");
            return;
        case 8:
            return provider.destroy(call, "box");
        default:
            (void)provider.list_snapshots(call);
    }
}

PreparedPlugin prepared() {
    PreparedPlugin plugin;
    plugin.path = "/nowhere/hostile.so";
    plugin.manifest.name = "hostile";
    plugin.manifest.version = "1.0.0";
    for (const auto& row : method_table)
        if (row.extension.empty()) plugin.manifest.provides.emplace_back(row.name);
    plugin.manifest.provides.emplace_back(BERTH_SNAPSHOTS_EXTENSION);
    return plugin;
}

/// One host and its workers, which all do what the input says.
void run(std::string_view script, Stage stage, std::uint8_t method) {
    std::vector<std::thread> workers;
    const auto start = [&] {
        auto [ours, theirs] = wire::make_link();
        workers.emplace_back([script, stage, socket = std::move(theirs)]() mutable {
            HostileWorker(std::move(socket), Input(script), stage).run();
        });
        StartedWorker started;
        started.control = std::move(ours);
        return started;
    };
    try {
        Call call({.method = "open"});
        const auto log = std::make_shared<Log>(LogLevel::trace, [](LogLevel, std::string_view) {});
        use(*open_worker_provider(call, {{"hostile", {}, {}, log, {}}, prepared(), start, {}}), method);
    } catch (const Error& error) {
        require(error.diagnostic().starts_with("BERTH-"), "an error without a number");
        require(is_utf8(error.fields().message), "an error that is no text");
    }
    for (auto& worker : workers)
        worker.join();
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 16'384) return 0;
    const std::string_view script(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto stage = data[0] == 0 ? Stage::loading : data[0] == 1 ? Stage::opening : Stage::call;
    const auto before = open_descriptors();
    run(script, stage, data[1]);
    require(open_descriptors() == before, "a descriptor is left");
    return 0;
}
