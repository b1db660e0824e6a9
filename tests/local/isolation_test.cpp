// What a sandbox must not be able to do. Each case tries the thing from inside and must fail; none is ever skipped.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "room.hpp"

using namespace room;

TEST_CASE("no process in a sandbox is uid 0, inside or on the host") {
    Provider provider;
    const std::string id = provider.create();
    CHECK(provider.run(id, "id -u; id -g; id -un").out == "1000\n1000\nsandbox\n");
    const rooms::Info info = provider.sandboxes.get(id);
    REQUIRE(info.first_process.has_value());
    TestCaller caller;
    TestSink sink;
    bool looked = false;
    sink.on_output = [&] {
        // Every process below bubblewrap's, as the host sees it.
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string name = entry.path().filename();
            if (name.find_first_not_of("0123456789") != std::string::npos) {
                continue;
            }
            std::ifstream status(entry.path() / "status");
            std::string line;
            bool ours = false;
            std::string uids;
            while (std::getline(status, line)) {
                ours = ours || line == "PPid:\t" + std::to_string(*info.first_process) ||
                       line == "Pid:\t" + std::to_string(*info.first_process);
                uids = line.starts_with("Uid:") ? line : uids;
            }
            if (ours) {
                looked = true;
                CHECK(uids.find("\t0") == std::string::npos);
            }
        }
        caller.cancel();
    };
    rooms::RunRequest request = Provider::shell("echo up; sleep 1000");
    request.process.kill_grace_ms = 0;
    (void)provider.sandboxes.run(id, request, caller, sink);
    CHECK(looked);
}

TEST_CASE("as root two sandboxes never share an account") {
    if (::geteuid() != 0) {
        return;  // an ordinary user has one account only, and every sandbox of theirs runs as it
    }
    Provider provider;
    const std::string one = provider.create();
    const std::string two = provider.create();
    const auto uid_one = provider.sandboxes.get(one).record.uid;
    const auto uid_two = provider.sandboxes.get(two).record.uid;
    REQUIRE(uid_one.has_value());
    REQUIRE(uid_two.has_value());
    CHECK(*uid_one != *uid_two);
    CHECK(*uid_one >= 1000);
    struct stat info {};
    REQUIRE(::stat((provider.sandboxes.get(one).state_path + "/workspace").c_str(), &info) == 0);
    CHECK(info.st_uid == *uid_one);
}

TEST_CASE("the host's directories are not there") {
    Provider provider;
    const std::string id = provider.create();
    std::ofstream(provider.directory.path() / "secret") << "secret";
    const std::string path = provider.directory.path() / "secret";
    CHECK(provider.run(id, "cat " + path).end.exit_code != 0);
    CHECK(provider.run(id, "cat /proc/1/root" + path).end.exit_code != 0);
    CHECK(provider.run(id, "ls -d /root /home/* /var/lib /boot /mnt /srv /sys 2>/dev/null").out == "/home/sandbox\n");
    // Beside its own, nothing but the names that lead into /usr, as many of them as this machine has.
    std::string expected;
    for (const char* name : {"bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin",
                             "tmp", "usr", "var", "workspace"}) {
        const bool of_the_machine =
            std::string_view(name).starts_with("lib") || std::string_view(name).ends_with("bin");
        if (!of_the_machine || std::filesystem::exists(std::filesystem::path("/") / name)) {
            expected += std::string(name) + "\n";
        }
    }
    CHECK(provider.run(id, "ls /").out == expected);
    CHECK(provider.run(id, "ls /tmp /run").out == "/run:\n\n/tmp:\n");
    CHECK(provider.run(id, "cat /etc/shadow /etc/ssh/* /etc/machine-id").out.empty());
}

TEST_CASE("nothing outside its own directories can be written") {
    Provider provider;
    const std::string id = provider.create();
    for (const char* place : {"/", "/usr", "/usr/bin", "/etc", "/bin", "/home", "/var", "/proc", "/etc/alternatives"}) {
        CHECK_MESSAGE(provider.run(id, "touch " + std::string(place) + "/mark").end.exit_code != 0, place);
    }
    CHECK(provider.run(id, "mount -o remount,rw / ; mount -o remount,rw /usr; touch /usr/mark").end.exit_code != 0);
    CHECK(provider.run(id, "echo 1 > /proc/sys/kernel/panic; echo b > /proc/sysrq-trigger").end.exit_code != 0);
    for (const char* place : {"/workspace", "/home/sandbox", "/tmp", "/var/tmp", "/run", "/dev/shm"}) {
        CHECK_MESSAGE(provider.run(id, "touch " + std::string(place) + "/mark").end.exit_code == 0, place);
    }
}

TEST_CASE("the host's processes are not there, and cannot be signalled") {
    Provider provider;
    const std::string id = provider.create();
    const Result seen = provider.run(id, "ls /proc | grep -c '^[0-9]'");
    CHECK(std::stoi(seen.out) < 8);
    CHECK(provider.run(id, "cat /proc/*/comm | grep -x local_isolation").out.empty());
    const Result killed = provider.run(id, "kill -0 " + std::to_string(::getpid()) + " && echo reached");
    CHECK((killed.out.empty() || ::getpid() < 100));
}

TEST_CASE("the network is not there: neither loopback of the host nor an interface") {
    const rooms::Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const std::string connect =
        "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(ntohs(address.sin_port)) + " && echo reached";
    Provider provider;
    const std::string closed = provider.create();
    CHECK(provider.run(closed, Provider::command({"bash", "-c", connect})).out.empty());
    CHECK(provider.run(closed, "cat /proc/net/dev | tail -n +3 | grep -vc ' *lo:'").out == "0\n");
    // The same attempt with the host's network, so that the failure above means something.
    rooms::CreateRequest request;
    request.network = rooms::Network::host;
    const std::string open = provider.create(request);
    CHECK(provider.run(open, Provider::command({"bash", "-c", connect})).out == "reached\n");
}

TEST_CASE("no capability, no new privileges, no setuid") {
    Provider provider;
    const std::string id = provider.create();
    const Result status = provider.run(id, "grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status");
    CHECK(status.out ==
          "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"
          "NoNewPrivs:\t1\n");
    CHECK(provider.run(id, "su -c true; sudo -n true").end.exit_code != 0);
}

TEST_CASE("the first process cannot be read, traced or signalled away, and gives no descriptor on") {
    Provider provider;
    const std::string id = provider.create();
    CHECK(provider.run(id, "ls /proc/1/fd").end.exit_code != 0);
    CHECK(provider.run(id, "cat /proc/1/environ /proc/1/maps /proc/1/mem").end.exit_code != 0);
    CHECK(provider.run(id, "cp /proc/1/exe init").end.exit_code != 0);
    CHECK(provider.run(id, "for s in $(seq 1 64); do kill -$s 1; done; kill -9 1; echo here").out == "here\n");
    CHECK(provider.run(id, "echo alive").out == "alive\n");
    CHECK(provider.run(id, "ls /proc/self/fd").out == "0\n1\n2\n3\n");  // 3 is the listing itself
    CHECK(provider.run(id, "cat /proc/net/unix | tail -n +2 | wc -l").out == "0\n");
}

TEST_CASE("nothing of the caller is inherited: environment, session, terminal") {
    Provider provider;
    ::setenv("BERTH_TEST_CANARY", "canary", 1);
    const std::string id = provider.create();
    CHECK(provider.run(id, "env | grep -i canary; cat /proc/*/environ | grep -ai canary").out.empty());
    CHECK(provider.run(id, "exec < /dev/tty").end.exit_code != 0);
    CHECK(provider.run(id, "hostname; ls /dev | tr '\\n' ' '").out ==
          "sandbox\ncore fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
}

TEST_CASE("a sandbox cannot look into another") {
    Provider provider;
    const std::string one = provider.create();
    const std::string two = provider.create();
    provider.run(one, "echo private > file; echo private > /tmp/file");
    const std::string path = provider.sandboxes.get(one).state_path;
    CHECK(provider.run(two, "cat /workspace/file /tmp/file " + path + "/workspace/file").out.empty());
    CHECK(provider.run(two, "ls /workspace /tmp").out == "/tmp:\n\n/workspace:\n");
}
