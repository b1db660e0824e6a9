// How the programs of all stand-ins end: with whatever is under way, whoever of their clients is dead, with nothing left.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>

#include "../support/scratch_folder.hpp"
#include "stand_in.hpp"
#include "web_socket.hpp"

using namespace standin_test;

namespace {

/// A process of clients: does `work` and waits; killed with this at the latest.
class Clients {
public:
    /// Returns when `work` calls what it is given: the stand-in runs something then, or did just now.
    Clients(StandIn& stand_in, const std::function<void(const std::function<void()>& ready)>& work) {
        auto pipe = berth::make_pipe();
        process_ = ::fork();
        if (process_ == 0) {
            stand_in.close_input();  // this process's copy
            pipe.read_end.reset();
            try {
                work([&] { static_cast<void>(::write(pipe.write_end.get(), "r", 1)); });
                ::pause();
            } catch (const std::exception& failure) {
                // The stand-in has ended under it.
                static_cast<void>(failure);
            }
            ::_exit(0);
        }
        pipe.write_end.reset();
        char none = 0;
        REQUIRE(::read(pipe.read_end.get(), &none, 1) == 1);
    }
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;
    ~Clients() { kill(); }
    void kill() {
        if (process_ <= 0) return;
        ::kill(std::exchange(process_, -1), SIGKILL);
        ::waitpid(-1, nullptr, 0);
    }

private:
    pid_t process_ = -1;
};

/// Lets the stand-in's stdin end, and sees that it ends, with everything that it had started or written.
void check_end(StandIn& stand_in, const std::filesystem::path& disks) {
    const auto processes = stand_in.descendants();
    stand_in.close_input();
    CHECK(stand_in.exit_code() == 0);
    for (const auto process : processes) {
        CHECK_MESSAGE((::kill(process, 0) != 0 && errno == ESRCH), "process " << process << " is left");
    }
    CHECK(std::filesystem::is_empty(disks));
}

std::vector<std::string> words_for(const std::filesystem::path& disks) {
    return {"--directory", disks.string()};
}

/// Throws where the stand-in runs nothing, so that its end would show nothing. Asked before anything stops what runs.
void expect_processes(const StandIn& stand_in) {
    if (stand_in.descendants().empty()) throw std::logic_error("the stand-in runs nothing");
}

constexpr int streams = 20;
constexpr const char* talkative = "trap : TERM; while :; do echo out; echo err >&2; sleep 0.02; done";

/// A sandbox and what keeps it busy.
class Daytona {
public:
    explicit Daytona(const std::filesystem::path& disks) : stand_in(words_for(disks)) {
        id_ = stand_in.call("POST", "/sandbox", {{"name", "one"}}).json()["id"];
        while (stand_in.call("GET", "/sandbox/one").json()["state"] != "started") {
        }
    }
    void use(const std::function<void()>& ready) const {
        std::vector<WebSocket> followed;
        for (int index = 0; index < streams; ++index) {
            const auto name = "s" + std::to_string(index);
            post("/process/session", {{"sessionId", name}});
            const auto started =
                post("/process/session/" + name + "/exec", {{"command", talkative}, {"runAsync", true}});
            const auto path = "/process/session/" + name + "/command/" + started.json()["cmdId"].get<std::string>() +
                              "/logs?follow=true";
            followed.emplace_back(stand_in.toolbox_port(), DaytonaStandIn::toolbox_target(id_, path),
                                  stand_in.headers());
            REQUIRE(followed.back().receive());
        }
        expect_processes(stand_in);
        std::vector<RawClient> waiting;
        const auto begin = [&](const char* method, const std::string& path, const Json& body) {
            waiting.emplace_back(stand_in.toolbox_port());
            waiting.back().send(method, DaytonaStandIn::toolbox_target(id_, path), stand_in.headers(), body.dump());
        };
        begin("POST", "/process/execute", {{"command", "sleep 1000"}});
        begin("POST", "/process/session/s0/exec", {{"command", "sleep 1000"}});
        begin("DELETE", "/process/session/s1", Json::object());
        stand_in.wait_for_requests("DELETE", "", 1);
        ready();
        ::pause();
    }
    [[noreturn]] void begin_more(const std::function<void()>& ready) const {
        for (int index = 0;; ++index) {
            post("/process/session", {{"sessionId", "s" + std::to_string(index)}});
            if (index == 5) ready();
        }
    }
    Reply post(const std::string& path, const Json& body) const { return stand_in.toolbox(id_, "POST", path, body); }

    DaytonaStandIn stand_in;

private:
    std::string id_;
};

class Vercel {
public:
    explicit Vercel(const std::filesystem::path& disks) : stand_in(words_for(disks)) {
        const Json wish{{"projectId", stand_in.about("project_id")}, {"ports", Json::array()}, {"name", "one"}};
        const auto made = stand_in.call("POST", "/v3/sandboxes", wish).json();
        session_ = "/v2/sandboxes/sessions/" + made["session"]["id"].get<std::string>();
    }
    void use(const std::function<void()>& ready) const {
        std::vector<RawClient> listening;
        for (int index = 0; index < streams; ++index) {
            listening.push_back(stand_in.begin("POST", session_ + "/cmd", command(talkative)));
            REQUIRE(listening.back().receive_head().status == 200);
            REQUIRE(!listening.back().receive_piece().empty());
        }
        expect_processes(stand_in);
        listening.push_back(stand_in.begin("POST", session_ + "/stop"));
        stand_in.wait_for_requests("POST", "**/stop", 1);
        ready();
        ::pause();
    }
    [[noreturn]] void begin_more(const std::function<void()>& ready) const {
        for (int index = 0;; ++index) {
            post("/cmd", command("true"));
            if (index == 5) ready();
        }
    }
    Reply post(const std::string& path, const Json& body) const { return stand_in.call("POST", session_ + path, body); }
    static Json command(const std::string& script) {
        return {{"command", "sh"}, {"args", {"-c", script}}, {"env", Json::object()},
                {"sudo", false},   {"wait", true},           {"logs", true}};
    }

    VercelStandIn stand_in;

private:
    std::string session_;
};

}  // namespace

TEST_CASE_TEMPLATE("clients that were killed in mid-stream keep it from nothing", Vendor, Daytona, Vercel) {
    const berth_test::ScratchFolder disks("ending");
    Vendor vendor(disks.path);
    Clients clients(vendor.stand_in, [&](const auto& ready) { vendor.use(ready); });
    clients.kill();
    check_end(vendor.stand_in, disks.path);
}

TEST_CASE_TEMPLATE("clients that listen and those that read nothing keep it from nothing", Vendor, Daytona, Vercel) {
    const berth_test::ScratchFolder disks("ending");
    Vendor vendor(disks.path);
    const Clients clients(vendor.stand_in, [&](const auto& ready) { vendor.use(ready); });
    check_end(vendor.stand_in, disks.path);
}

TEST_CASE_TEMPLATE("requests that go on coming keep it from nothing", Vendor, Daytona, Vercel) {
    const berth_test::ScratchFolder disks("ending");
    Vendor vendor(disks.path);
    const Clients clients(vendor.stand_in, [&](const auto& ready) { vendor.begin_more(ready); });
    check_end(vendor.stand_in, disks.path);
}

TEST_CASE("what a sandbox whose machine was killed is asked for is refused, and the stand-in ends") {
    const berth_test::ScratchFolder disks("ending");
    Daytona daytona(disks.path);
    for (const auto process : daytona.stand_in.descendants()) {
        ::kill(process, SIGKILL);
    }
    Reply refused;
    do {  // until the stand-in has seen it
        refused = daytona.post("/process/session", {{"sessionId", "s" + std::to_string(::rand())}});
    } while (refused.status == 201);
    CHECK(refused.status == 502);
    CHECK(daytona.post("/process/execute", {{"command", "true"}}).status == 502);
    daytona.stand_in.close_input();
    CHECK(daytona.stand_in.exit_code() == 0);
    CHECK(std::filesystem::is_empty(disks.path));
}
