#include "stand_in.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "faults.hpp"

namespace standin_test {

namespace {

std::string first_line(int from) {
    std::string line;
    char letter = 0;
    while (::read(from, &letter, 1) == 1 && letter != '\n') {
        line.push_back(letter);
    }
    return line;
}

std::uint16_t port_of(const std::string& url) {
    const auto colon = url.rfind(':');
    return static_cast<std::uint16_t>(std::stoul(url.substr(colon + 1)));
}

}  // namespace

StandIn::StandIn(const std::string& program, std::vector<std::string> words) {
    start(program, std::move(words));
}

void StandIn::start(const std::string& program, std::vector<std::string> words) {
    auto input = berth::make_pipe();
    auto output = berth::make_pipe();
    words.insert(words.begin(), program);
    words.emplace_back("--end-with-input");
    std::vector<char*> pointers;
    for (auto& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input.read_end.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output.write_end.get(), STDOUT_FILENO);
    const int failure = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) throw std::system_error(failure, std::generic_category(), program);
    input_ = std::move(input.write_end);
    output.write_end.reset();
    about_ = Json::parse(first_line(output.read_end.get()), nullptr, false);
    if (!about_.is_object()) throw std::runtime_error(program + " did not start: its first line is not its address");
    const auto url = about("control_url");
    port_ = port_of(url.substr(0, url.rfind('/')));
}

StandIn::~StandIn() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::optional<int> StandIn::exit_code() {
    constexpr int patience_ms = 60'000;
    const berth::FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd ended{process.get(), POLLIN, 0};
    if (!process || ::poll(&ended, 1, patience_ms) != 1) return std::nullopt;
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<pid_t> StandIn::descendants() const {
    std::vector<pid_t> found;
    std::vector<pid_t> left{pid_};
    while (!left.empty()) {
        const auto tasks = "/proc/" + std::to_string(left.back()) + "/task";
        left.pop_back();
        std::error_code gone;
        for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
            std::ifstream children(task.path() / "children");
            for (pid_t child = 0; children >> child;) {
                found.push_back(child);
                left.push_back(child);
            }
        }
    }
    return found;
}

Json StandIn::control(const std::string& method, const std::string& name, const Json& body) const {
    RawClient client(port_);
    client.send(method, "/_standin/" + name, {{"content-type", "application/json"}}, body.is_null() ? "" : body.dump());
    const auto reply = client.receive();
    if (reply.status != 200) throw std::runtime_error(method + " /_standin/" + name + ": " + reply.body);
    return reply.json();
}

int StandIn::fault(const Json& wish) const {
    return control("POST", "faults", wish).at("number").get<int>();
}

int StandIn::fault(const std::string& method, const std::string& path, const Json& what) const {
    return fault({{"method", method}, {"path", path}, {"what", what}});
}

void StandIn::clear_faults() const {
    control("DELETE", "faults");
}

void StandIn::release(int number) const {
    control("POST", "release", {{"fault", number}});
}

void StandIn::wait_for_fault(int number, int hits, int waiting) const {
    control("POST", "wait", {{"fault", number}, {"hits", hits}, {"waiting", waiting}});
}

Json StandIn::requests() const {
    return control("GET", "requests");
}

std::vector<Json> StandIn::requests(const std::string& method, const std::string& path) const {
    const auto all = requests();
    std::vector<Json> chosen;
    std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), [&](const Json& record) {
        return (method.empty() || record["method"] == method) &&
               standin::route_meets(record["path"].get<std::string>(), path);
    });
    return chosen;
}

void StandIn::forget_requests() const {
    control("DELETE", "requests");
}

void StandIn::wait_for_requests(const std::string& method, const std::string& path, std::size_t count) const {
    control("POST", "wait", {{"method", method}, {"path", path}, {"requests", count}});
}

Json StandIn::state() const {
    return control("GET", "state");
}

void StandIn::advance(std::int64_t milliseconds) const {
    control("POST", "clock", {{"advance_ms", milliseconds}});
}

void StandIn::behave(const Json& change) const {
    control("POST", "behaviour", change);
}

VercelStandIn::VercelStandIn(std::vector<std::string> words) : StandIn(program(), std::move(words)) {}

std::string VercelStandIn::program() {
    return STANDIN_VERCEL;
}

std::string VercelStandIn::target(const std::string& path) const {
    const auto mark = path.find('?');
    auto target = "/api" + path.substr(0, mark) + "?teamId=" + about("team_id");
    if (mark != std::string::npos) target += "&" + path.substr(mark + 1);
    return target;
}

Headers VercelStandIn::headers() const {
    return {{"authorization", "Bearer " + about("token")}, {"content-type", "application/json"}};
}

RawClient VercelStandIn::begin(const std::string& method, const std::string& path, const Json& body) const {
    RawClient client(port());
    client.send(method, target(path), headers(), body.is_null() ? "" : body.dump());
    return client;
}

Reply VercelStandIn::call(const std::string& method, const std::string& path, const Json& body) const {
    return begin(method, path, body).receive();
}

Reply VercelStandIn::call_raw(const std::string& method, const std::string& path, const Headers& headers,
                              const std::string& body) const {
    RawClient client(port());
    client.send(method, path, headers, body);
    return client.receive();
}

DaytonaStandIn::DaytonaStandIn(std::vector<std::string> words) : StandIn(program(), std::move(words)) {}

std::string DaytonaStandIn::program() {
    return STANDIN_DAYTONA;
}

Headers DaytonaStandIn::headers() const {
    return {{"authorization", "Bearer " + about("api_key")},
            {"content-type", "application/json"},
            {"x-daytona-sdk-version", "0.218.0"}};
}

Reply DaytonaStandIn::call(const std::string& method, const std::string& path, const Json& body) const {
    RawClient client(port());
    client.send(method, "/api" + path, headers(), body.is_null() ? "" : body.dump());
    return client.receive();
}

std::uint16_t DaytonaStandIn::toolbox_port() const {
    const auto url = about("toolbox_url");
    return port_of(url.substr(0, url.rfind('/')));
}

std::string DaytonaStandIn::toolbox_target(const std::string& id, const std::string& path) {
    return "/toolbox/" + id + path;
}

Reply DaytonaStandIn::toolbox(const std::string& id, const std::string& method, const std::string& path,
                              const Json& body) const {
    RawClient client(toolbox_port());
    client.send(method, toolbox_target(id, path), headers(), body.is_null() ? "" : body.dump());
    return client.receive();
}

}  // namespace standin_test
