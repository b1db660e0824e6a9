// What a sandbox reaches, and what it does not, against an outside host of our own (outside_world.hpp). Every target
// that must be out of reach is shown to answer this process first.
#define DOCTEST_CONFIG_IMPLEMENT
#include <linux/capability.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include "local/features.hpp"
#include "local/outbound.hpp"
#include "local/process_id.hpp"
#include "outside_world.hpp"
#include "room.hpp"
#include "tiny_root.hpp"

using namespace room;

namespace {

struct Target {
    std::string kind;
    std::string host;
    int port;
};

// KIND HOST PORT...: what answers at each of them, or "nothing", a line each. All are asked at once.
constexpr const char* reach_script = R"(
import concurrent.futures, socket, sys
def ask(target):
    kind, host, port = target
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        s = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
        s.settimeout(5)
        if kind == 'udp-past-routes':
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'tap0')
        s.connect(address)
        if kind != 'tcp':
            s.send(b'?')
        return s.recv(100).decode().strip() or 'nothing'
    except OSError:
        return 'nothing'
words = sys.argv[1:]
targets = list(zip(words[0::3], words[1::3], words[2::3]))
for answer in concurrent.futures.ThreadPoolExecutor(len(targets)).map(ask, targets):
    print(answer)
)";

std::string lines(std::size_t count, const std::string& line) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += line + "\n";
    }
    return text;
}

std::string reach(Provider& provider, const std::string& id, const std::vector<Target>& targets) {
    std::vector<std::string> arguments{"python3", "-c", reach_script};
    for (const Target& target : targets) {
        arguments.insert(arguments.end(), {target.kind, target.host, std::to_string(target.port)});
    }
    const Result result = provider.run(id, Provider::command(arguments));
    return result.out + result.err;
}

// The same from this process' own place.
std::string reach_from_host(const std::vector<Target>& targets) {
    std::string line = "python3 -c \"" + std::string(reach_script) + "\"";
    for (const Target& target : targets) {
        line += " " + target.kind + " " + target.host + " " + std::to_string(target.port);
    }
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(line.c_str(), "r"), ::pclose);
    std::string answer;
    char part[256];
    while (std::fgets(part, sizeof part, output.get()) != nullptr) {
        answer += part;
    }
    return answer;
}

const std::vector<Target> outside{{"tcp", "192.0.2.2", world::port}, {"udp", "192.0.2.2", world::port}};

std::string create(Provider& provider, rooms::Network network) {
    rooms::CreateRequest request;
    request.network = network;
    return provider.create(request);
}

rooms::ProcessId helper_of(Provider& provider, const std::string& id) {
    const auto number = provider.sandboxes.get(id).network_helper;
    REQUIRE(number.has_value());
    const auto helper = rooms::ProcessId::of(*number);
    REQUIRE(helper.has_value());
    return *helper;
}

bool limits_are_kept() {
    const auto withdrawn = rooms::withdrawn_features({});
    return std::none_of(withdrawn.begin(), withdrawn.end(), [](const rooms::WithdrawnFeature& feature) {
        return feature.name == "memory_limit" || feature.name == "pids_limit";
    });
}

// Where /proc says that a process is counted, for v1 by this controller.
std::string group_of(int process, const std::string& controller) {
    std::ifstream groups("/proc/" + std::to_string(process) + "/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const std::string names = line.substr(line.find(':'), line.rfind(':') - line.find(':'));
        if (names == ":" || (names + ",").find(controller + ",") != std::string::npos) {
            return line;
        }
    }
    return "";
}

void wait_until_gone(const rooms::ProcessId& process) {
    for (int i = 0; i < 4000 && process.alive(); ++i) {
        ::poll(nullptr, 0, 5);
    }
    CHECK_FALSE(process.alive());
}

}  // namespace

TEST_CASE("outbound reaches the outside host by address and by name, and is counted") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    const rooms::UsageFigures before = provider.sandboxes.usage(id, provider.caller);
    CHECK(reach(provider, id, outside) == lines(2, "outside"));
    CHECK(reach(provider, id, {{"tcp", "any.name.test", world::port}}) == "outside\n");
    const rooms::UsageFigures after = provider.sandboxes.usage(id, provider.caller);
    CHECK(*after.network_received_bytes > *before.network_received_bytes);
    CHECK(*after.network_sent_bytes > *before.network_sent_bytes);
}

TEST_CASE("outbound does not reach the host's own services") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    REQUIRE(reach_from_host({{"tcp", "127.0.0.1", world::host_port},
                             {"udp", "127.0.0.1", world::host_port},
                             {"tcp", "192.0.2.1", world::host_port},
                             {"udp", "192.0.2.1", world::host_port}}) == lines(4, "host"));
    std::vector<Target> targets;
    for (const char* kind : {"tcp", "udp", "udp-past-routes"}) {
        for (const char* host : {"127.0.0.1", "10.0.2.2", "10.0.2.3", "192.0.2.1"}) {
            targets.push_back({kind, host, world::host_port});
        }
    }
    CHECK(reach(provider, id, targets) == lines(targets.size(), "nothing"));
}

TEST_CASE("outbound does not reach link-local addresses") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    REQUIRE(reach_from_host({{"tcp", "169.254.169.254", world::port},
                             {"udp", "169.254.169.254", world::port},
                             {"tcp", "fe80::1%in0", world::port},
                             {"udp", "fe80::1%in0", world::port}}) == lines(4, "outside"));
    std::vector<Target> targets;
    for (const char* kind : {"tcp", "udp", "udp-past-routes"}) {
        targets.push_back({kind, "169.254.169.254", world::port});
        targets.push_back({kind, "fe80::1%tap0", world::port});
    }
    CHECK(reach(provider, id, targets) == lines(targets.size(), "nothing"));
    // And what keeps it so cannot be taken away from inside.
    const Result attempt = provider.run(id, "PATH=$PATH:/sbin; ip route del unreachable 169.254.0.0/16");
    CHECK(attempt.end.exit_code != 0);
    CHECK(attempt.err.find("not permitted") != std::string::npos);
}

TEST_CASE("nothing comes in") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    TestCaller caller;
    TestSink sink;
    bool asked = false;
    sink.on_output = [&] {
        asked = true;
        std::vector<Target> targets;
        for (const char* host : {"127.0.0.1", "192.0.2.1", "10.0.2.100", "10.0.2.2"}) {
            targets.push_back({"tcp", host, 7780});
        }
        CHECK(reach_from_host(targets) == lines(targets.size(), "nothing"));
        caller.cancel();
    };
    rooms::RunRequest request =
        Provider::command({"python3", "-c",
                           "import socket; s = socket.create_server(('', 7780)); print('up', flush=True)\n"
                           "while True: s.accept()[0].send(b'inside')"});
    request.process.kill_grace_ms = 0;
    (void)provider.sandboxes.run(id, request, caller, sink);
    CHECK(asked);
}

TEST_CASE("none reaches nothing, host reaches what the host does; only one's own traffic is counted") {
    Provider provider;
    const std::string none = create(provider, rooms::Network::none);
    CHECK(reach(provider, none, outside) == lines(2, "nothing"));
    CHECK(reach(provider, none, {{"tcp", "any.name.test", world::port}}) == "nothing\n");
    CHECK(*provider.sandboxes.usage(none, provider.caller).network_sent_bytes == 0);
    const std::string host = create(provider, rooms::Network::host);
    CHECK(reach(provider, host, outside) == lines(2, "outside"));
    CHECK(reach(provider, host, {{"tcp", "127.0.0.1", world::host_port}}) == "host\n");
    CHECK_FALSE(provider.sandboxes.usage(host, provider.caller).network_sent_bytes.has_value());
}

// Ordinary users have a range of ids only where somebody gave them one; local_template tells about that.
TEST_CASE("a template's sandbox has the same network, and its root no power over it" *
          doctest::skip(::geteuid() != 0)) {
    const TemporaryDirectory directory;
    const std::filesystem::path root = directory.path() / "tiny";
    make_tiny_root(root);
    copy_into(root, "/usr/bin/bash");
    std::istringstream libraries(output_of("ldd /usr/bin/bash"));
    for (std::string word; libraries >> word;) {
        if (word.front() == '/') {
            copy_into(root, word);
        }
    }
    Provider provider([&](rooms::Settings settings) {
        settings.templates = {{"tiny", root.string()}};
        return settings;
    });
    rooms::CreateRequest request;
    request.network = rooms::Network::outbound;
    request.template_name = "tiny";
    const std::string id = provider.create(request);
    const auto ask = [&](const std::string& host) {
        return provider.run(id, Provider::command({"bash", "-c", "exec 3<>/dev/tcp/" + host + " && cat <&3"}));
    };
    CHECK(ask("192.0.2.2/" + std::to_string(world::port)).out == "outside\n");
    CHECK(ask("169.254.169.254/" + std::to_string(world::port)).end.exit_code != 0);
    CHECK(provider.run(id, "cat /etc/resolv.conf").out == rooms::outbound_resolver);
    const std::string status = provider.run(id, "grep ^CapBnd: /proc/self/status").out;
    REQUIRE(status.size() > 8);
    const std::uint64_t capabilities = std::stoull(status.substr(8), nullptr, 16);
    for (const int capability : {CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN}) {
        CHECK((capabilities >> capability & 1) == 0);
    }
    CHECK_FALSE(provider.run(id, "cat /proc/net/route").out.empty());
}

TEST_CASE("a restart brings the network again, and the helper goes with the sandbox") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    const rooms::ProcessId first = helper_of(provider, id);
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK_FALSE(first.alive());
    CHECK(reach(provider, id, outside) == lines(2, "outside"));
    const rooms::ProcessId second = helper_of(provider, id);
    provider.sandboxes.destroy(id, provider.caller);
    CHECK_FALSE(second.alive());
}

TEST_CASE("the helper ends with the sandbox's first process, whoever kills that") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    const rooms::ProcessId helper = helper_of(provider, id);
    ::kill(*provider.sandboxes.get(id).first_process, SIGKILL);
    wait_until_gone(helper);
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(reach(provider, id, outside) == lines(2, "outside"));
}

TEST_CASE("when the helper dies the sandbox says so, and restart repairs it") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    const rooms::ProcessId helper = helper_of(provider, id);
    ::kill(helper.pid, SIGKILL);
    wait_until_gone(helper);
    CHECK_FALSE(provider.sandboxes.get(id).network_helper.has_value());
    CHECK(reach(provider, id, outside) == lines(2, "nothing"));
    CHECK(provider.run(id, "echo alive").out == "alive\n");
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.sandboxes.get(id).network_helper.has_value());
    CHECK(reach(provider, id, outside) == lines(2, "outside"));
}

TEST_CASE("the helper holds nothing of the caller") {
    Provider provider;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);  // not close-on-exec: a careless host
    const rooms::Descriptor reading(ends[0]);
    rooms::Descriptor writing(ends[1]);
    const std::string id = create(provider, rooms::Network::outbound);
    writing.reset();
    char byte = 0;
    CHECK(::read(reading.get(), &byte, 1) == 0);
    CHECK(provider.sandboxes.get(id).network_helper.has_value());
}

TEST_CASE("the helper counts to the sandbox's limits and goes with its group" * doctest::skip(!limits_are_kept())) {
    Provider provider;
    rooms::CreateRequest request;
    request.network = rooms::Network::outbound;
    request.memory_limit_mib = 64;
    request.pids_limit = 5;  // the first process, a command's helper, and the command with two threads: not one more
    const std::string id = provider.create(request);
    for (const int restarts : {0, 1}) {
        INFO(restarts);
        const rooms::Info info = provider.sandboxes.get(id);
        for (const char* controller : {"memory", "pids"}) {
            const std::string group = group_of(*info.network_helper, controller);
            CHECK(group.find("berth-" + id) != std::string::npos);
            CHECK(group == group_of(*info.first_process, controller));
        }
        CHECK(reach(provider, id, outside) == lines(2, "outside"));
        (void)provider.sandboxes.restart(id, provider.caller);
    }
    provider.sandboxes.destroy(id, provider.caller);
    check_nothing_left(provider);
}

TEST_CASE("the helper has no privilege on the host") {
    Provider provider;
    const std::string id = create(provider, rooms::Network::outbound);
    const std::string process = "/proc/" + std::to_string(helper_of(provider, id).pid);
    struct stat owner {};
    REQUIRE(::stat(process.c_str(), &owner) == 0);
    CHECK(owner.st_uid != 0);
    CHECK(owner.st_uid == provider.sandboxes.get(id).record.uid.value_or(::geteuid()));
    CHECK(std::filesystem::read_symlink(process + "/ns/user") != std::filesystem::read_symlink("/proc/self/ns/user"));
}

TEST_CASE("a helper that cannot work undoes the sandbox and says why; without one there is no such network") {
    Provider provider;
    rooms::Settings settings = provider.settings();
    settings.slirp = "/bin/false";
    CHECK(rooms::outbound_obstacle(settings.slirp).empty());
    rooms::CreateRequest request;
    request.network = rooms::Network::outbound;
    request.idempotency_key = "broken";
    MemorySource none;
    CHECK(failure_of([&] {
              rooms::Sandboxes broken(settings);
              (void)broken.create(request, none, provider.caller, [](const rooms::Info&) {});
          }).code == BERTH_UNAVAILABLE);
    CHECK(provider.sandboxes.list(provider.caller).empty());
    settings.slirp = "/nowhere/slirp4netns";
    const auto withdrawn = rooms::withdrawn_features(settings);
    CHECK(std::any_of(withdrawn.begin(), withdrawn.end(), [](const rooms::WithdrawnFeature& feature) {
        return feature.name == "network_outbound" && feature.reason.find("install") != std::string::npos;
    }));
    CHECK(failure_of([&] {
              rooms::Sandboxes missing(settings);
              (void)missing.create(request, none, provider.caller, [](const rooms::Info&) {});
          }).code == BERTH_UNSUPPORTED);
}

// network_test [--as-user AS_USER.SH | --inside] ...
int main(int count, char** arguments) {
    const std::string mode = count > 1 ? arguments[1] : "";
    if (mode != "--inside") {
        std::string obstacle = world::obstacle();
        if (obstacle.empty()) {
            obstacle = rooms::outbound_obstacle(rooms::Settings{}.slirp);
        }
        if (!obstacle.empty()) {
            std::fprintf(stderr, "network_test: skipped: %s\n", obstacle.c_str());
            return 77;
        }
        world::enter(mode == "--as-user" ? world::Device::open_to_all : world::Device::as_it_is);
    }
    if (mode == "--as-user") {
        const std::string self = std::filesystem::read_symlink("/proc/self/exe");
        ::execl(arguments[2], arguments[2], self.c_str(), "--inside", nullptr);
        std::perror(arguments[2]);
        return 1;
    }
    doctest::Context context(count, arguments);
    return context.run();
}
