#include "context.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

namespace berth::inline host_v1::conformance {

HostDirectory::HostDirectory() {
    auto pattern = (std::filesystem::temp_directory_path() / "berth-conformance-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw Failure("cannot make a temporary directory on the host");
    root_ = pattern;
}

HostDirectory::~HostDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

void HostDirectory::write(std::string_view name, std::string_view content) const {
    const auto file = root_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream stream(file, std::ios::binary);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!stream.flush()) throw Failure("cannot write " + file.string());
}

std::string HostDirectory::read(std::string_view name) const {
    std::ifstream stream(root_ / name, std::ios::binary);
    if (!stream) throw Failure("on the host there is no file " + std::string(name));
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> HostDirectory::names(std::string_view directory) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(root_ / directory)) {
        found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
}

Context::Context(Host& host, std::string provider, std::optional<std::string> template_name)
    : host_(host),
      provider_(std::move(provider)),
      template_name_(std::move(template_name)),
      status_(host_.open_provider(provider_)) {}

Context::~Context() {
    if (shared_) made_.push_back(*shared_);
    clean_up();
}

bool Context::offers(std::string_view method_or_feature) const {
    const auto& methods = status_.methods;
    if (std::find(methods.begin(), methods.end(), method_or_feature) != methods.end()) return true;
    return std::any_of(status_.features.begin(), status_.features.end(), [&](const FeatureState& feature) {
        return feature.offered && feature.name == method_or_feature;
    });
}

SandboxName Context::shared() {
    if (!shared_) {
        CreateRequest request;
        request.provider = provider_;
        request.config.template_name = template_name_;
        const auto info = host_.create(request, bounded());
        shared_ = SandboxName{info.provider, info.id};
    }
    return *shared_;
}

SandboxName Context::fresh(const SandboxConfig& config) {
    const auto info = create(config);
    return {info.provider, info.id};
}

SandboxInfo Context::create(const SandboxConfig& config) {
    CreateRequest request;
    request.config = config;
    request.provider = provider_;
    if (!request.config.template_name) request.config.template_name = template_name_;
    auto info = host_.create(request, bounded());
    adopt({info.provider, info.id});
    return info;
}

void Context::clean_up() {
    for (const auto& sandbox : std::exchange(made_, {})) {
        try {
            host_.destroy(sandbox, bounded());
        } catch (const Error& error) {
            // Gone already is what many cases are about; anything else shows as a leftover in the suite's own check.
            if (error.code() != Code::not_found) continue;
        }
    }
}

std::string Context::canary() {
    auto value = EnvironmentVariables::of_process().get_filled(canary_variable);
    if (!value) throw Skipped(std::string("nobody has set ") + canary_variable + " for this process");
    return std::move(*value);
}

ProcessConfig Context::process(std::vector<std::string> argv) {
    ProcessConfig process;
    process.command = argv.front();
    process.args.assign(argv.begin() + 1, argv.end());
    return process;
}

ProcessConfig Context::shell_process(std::string line) {
    return process({"sh", "-c", std::move(line)});
}

ProcessResult Context::run(const SandboxName& sandbox, std::vector<std::string> argv) {
    return host_.execute(sandbox, process(std::move(argv)), bounded());
}

ProcessResult Context::shell(const SandboxName& sandbox, std::string line) {
    return run(sandbox, {"sh", "-c", std::move(line)});
}

std::string Context::output_of(const SandboxName& sandbox, std::string line, int source_line) {
    const auto shown_line = line;
    auto result = shell(sandbox, std::move(line));
    if (result.exit_code != 0) {
        fail("`" + shown_line + "` exited " + std::to_string(result.exit_code) + ": " + result.standard_error,
             source_line);
    }
    return std::move(result.standard_output);
}

CallOptions Context::bounded() {
    CallOptions options;
    options.deadline = std::chrono::minutes{2};
    return options;
}

std::string Context::unique_path(std::string_view stem) {
    return std::string(stem) + "-" + std::to_string(++next_path_);
}

void Context::expect(bool condition, std::string_view what, int source_line) const {
    if (!condition) fail(std::string(what), source_line);
}

Error Context::refused(Code code, const std::function<void()>& act, std::string_view what, int source_line) const {
    try {
        act();
    } catch (const Error& error) {
        if (error.code() == code) return error;
        fail(std::string(what) + ": expected " + std::string(name_of(code)) + ", found " +
                 std::string(name_of(error.code())) + ": " + error.what(),
             source_line);
    }
    fail(std::string(what) + ": expected " + std::string(name_of(code)) + ", but it succeeded", source_line);
}

void Context::fail(const std::string& what, int source_line) const {
    throw Failure("line " + std::to_string(source_line) + ": " + what);
}

std::string read_until(const Context& context, ByteStream& stream, std::string_view wanted) {
    std::string seen;
    std::array<std::byte, 4096> buffer{};
    while (seen.find(wanted) == std::string::npos) {
        const auto got = stream.read_for(buffer, Milliseconds{60'000});
        if (!got) context.fail("nothing came for a minute; so far " + shown(seen));
        if (*got == 0) break;
        for (std::size_t index = 0; index < *got; ++index)
            seen += static_cast<char>(buffer[index]);
    }
    return seen;
}

void at_once(Context& context, int count, const std::function<void(int)>& act) {
    std::mutex mutex;
    std::string failure;
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int index = 0; index < count; ++index) {
        threads.emplace_back([&, index] {
            try {
                act(index);
            } catch (const std::exception& error) {
                const std::lock_guard lock(mutex);
                if (failure.empty()) failure = "number " + std::to_string(index) + ": " + error.what();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    if (!failure.empty()) context.fail(failure);
}

void wait_until(const Context& context, const std::function<bool()>& probe, std::string_view what, int source_line) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (!probe()) {
        if (std::chrono::steady_clock::now() > limit) {
            context.fail("never came true: " + std::string(what), source_line);
        }
        // A pause between two looks at a state that only the backend can change; nothing else tells us.
        ::poll(nullptr, 0, 20);
    }
}

}  // namespace berth::inline host_v1::conformance
