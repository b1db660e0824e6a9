#include "berth_program.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <sstream>
#include <system_error>

namespace berth_test {

namespace {

std::vector<char*> pointers(Words& words) {
    std::vector<char*> result;
    for (auto& word : words) {
        result.push_back(word.data());
    }
    result.push_back(nullptr);
    return result;
}

void read_to_end(berth::FileDescriptor from, std::string& into) {
    std::string buffer(65536, '\0');
    while (true) {
        const auto count = ::read(from.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        into.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

/// What posix_spawn is told; destroyed with it.
class SpawnActions {
public:
    SpawnActions() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        sigset_t all;
        ::sigfillset(&all);  // doctest has handlers of its own, and a shell may ignore some
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    void use(int descriptor, int as) { ::posix_spawn_file_actions_adddup2(&actions_, descriptor, as); }
    void change_directory(const std::filesystem::path& path) {
        if (!path.empty()) ::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str());
    }
    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

void replace_all(std::string& text, std::string_view from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

constexpr std::string_view workspace_prefix = "berth-e2e-";

/// Of a directory that no living test has; else empty.
berth::FileDescriptor lock_of_dead(const std::filesystem::path& directory) {
    berth::FileDescriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
    return lock;
}

/// What killed tests have left. Young ones may not have their lock yet; sandboxes in them end by themselves soon after.
void remove_left_workspaces() {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path(), failed)) {
        struct stat state {};
        const bool ours = entry.path().filename().string().starts_with(workspace_prefix) &&
                          ::lstat(entry.path().c_str(), &state) == 0 && state.st_uid == ::geteuid() &&
                          ::time(nullptr) - state.st_mtime > 1800;
        if (!ours) continue;
        if (const auto lock = lock_of_dead(entry.path())) std::filesystem::remove_all(entry.path(), failed);
    }
}

}  // namespace

Running::Running(const std::string& program, const Words& words, const Started& how) {
    const berth::FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto output = berth::make_pipe();
    auto error = berth::make_pipe();
    SpawnActions spawn;
    spawn.use(how.input >= 0 ? how.input : nothing.get(), STDIN_FILENO);
    spawn.use(how.output >= 0 ? how.output : output.write_end.get(), STDOUT_FILENO);
    spawn.use(how.error >= 0 ? how.error : error.write_end.get(), STDERR_FILENO);
    spawn.change_directory(how.directory);
    Words all{program};
    all.insert(all.end(), words.begin(), words.end());
    Words variables;
    for (const auto& [name, value] : how.variables) {
        variables.push_back(name + "=" + value);
    }
    auto arguments = pointers(all);
    auto environment = pointers(variables);
    const int failure = ::posix_spawn(&pid_, program.c_str(), spawn.actions(), spawn.attributes(), arguments.data(),
                                      environment.data());
    if (failure != 0) throw std::system_error(failure, std::generic_category(), program);
    output.write_end.reset();
    error.write_end.reset();
    output_ = std::thread(read_to_end, std::move(output.read_end), std::ref(ended_.output));
    error_ = std::thread(read_to_end, std::move(error.read_end), std::ref(ended_.error));
}

Running::~Running() {
    if (waited_) return;
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
}

void Running::signal(int number) const {
    REQUIRE(::kill(pid_, number) == 0);
}

Ended Running::wait() {
    int status = 0;
    rusage usage{};
    while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    waited_ = true;
    output_.join();
    error_.join();
    ended_.exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    ended_.peak_kib = usage.ru_maxrss;
    return ended_;
}

Workspace::Workspace() {
    [[maybe_unused]] static const bool swept = (remove_left_workspaces(), true);
    auto name = (std::filesystem::temp_directory_path() / (std::string(workspace_prefix) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
    directory_ = name;
    lock_ = lock_of_dead(directory_);
    std::filesystem::permissions(directory_, std::filesystem::perms(0711));  // a sandbox of root passes through
    configure(R"(version: 1
plugins: { paths: ["PLUGINS", "TEST_PLUGINS"] }
providers:
  local: { plugin: local, config: { state_dir: "STATE" } }
  odd: { plugin: odd }
select: { default: local }
defaults: { kill_grace: 500ms }
)");
}

Workspace::~Workspace() {
    auto words = sandboxes();
    if (!words.empty()) {
        words.insert(words.begin(), {"rm", "--ignore-missing"});
        static_cast<void>(berth(words));
    }
    std::error_code failed;
    std::filesystem::remove_all(directory_, failed);
}

std::string Workspace::file(std::string_view name, std::string_view bytes) const {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return path(name);
}

void Workspace::configure(std::string text) const {
    replace_all(text, "TEST_PLUGINS", BERTH_TEST_PLUGINS);
    replace_all(text, "PLUGINS", BERTH_PLUGINS);
    replace_all(text, "EXAMPLES", BERTH_EXAMPLES);
    replace_all(text, "STATE", path("state"));
    file("berth.yaml", text);
}

std::map<std::string, std::string> Workspace::variables() const {
    std::map<std::string, std::string> variables{
        {"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", path("home")},
        {"XDG_CACHE_HOME", path("home/.cache")},  {"XDG_STATE_HOME", path("home/.local/state")},
        {"BERTH_CONFIG", path("berth.yaml")},     {"TMPDIR", directory_.string()}};
    for (const auto* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "XDG_RUNTIME_DIR"}) {
        if (const auto* value = ::getenv(name)) variables[name] = value;
    }
    return variables;
}

std::unique_ptr<Running> Workspace::start(const Words& words, Started how) const {
    auto own = variables();
    own.merge(how.variables);
    how.variables = std::move(own);
    return std::make_unique<Running>(berth_path(), words, how);
}

Ended Workspace::berth(const Words& words, Started how) const {
    return start(words, std::move(how))->wait();
}

std::string Workspace::create(const Words& flags) const {
    Words words{"create"};
    words.insert(words.end(), flags.begin(), flags.end());
    const auto ended = berth(words);
    INFO(ended.error);
    REQUIRE(ended.exit_code == 0);
    REQUIRE(!ended.output.empty());
    return ended.output.substr(0, ended.output.size() - 1);
}

Words Workspace::sandboxes() const {
    return lines_of(berth({"ls", "-o", "name", "--provider", "local"}).output);
}

std::string berth_path() {
    return BERTH_PROGRAM;
}

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        bytes[index] = static_cast<char>(index * 7 + index / 251);
    }
    return bytes;
}

std::string read_file(const std::string& path) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
}

Words lines_of(std::string_view text) {
    Words lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return lines;
}

bool reads(int descriptor, std::string_view wanted) {
    for (const char expected : wanted) {
        char byte = 0;
        if (::read(descriptor, &byte, 1) != 1 || byte != expected) return false;
    }
    return true;
}

bool becomes_true(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        ::poll(nullptr, 0, 10);
    }
    return true;
}

}  // namespace berth_test
