// The course of a command through the plugin's own code, over a Daytona whose sockets and answers break at random: no byte is
// lost, doubled or on the wrong stream, and how the command ended is right or not known.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "cloud/command_run.hpp"
#include "cloud/command_wrapper.hpp"
#include "daytona/command_link.hpp"
#include "scripted.hpp"

using namespace berth;
using namespace scripted;
using testing::HttpAnswer;
using testing::SocketScript;

namespace {

using Random = std::mt19937_64;
using Json = nlohmann::json;

std::size_t below(Random& random, std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound);
}

/// A program's bytes, and the log that its wrapper leaves of them: each stream's lines in order, the streams in any.
struct Program {
    std::string out;
    std::string err;
    std::string log;
    int status = 0;
};

void print(Random& random, std::string& bytes, std::vector<std::string>& lines) {
    for (std::size_t count = below(random, 6); count > 0; --count) {
        std::string some(1 + below(random, below(random, 20) == 0 ? 1500 : 40), '\0');
        for (char& byte : some)
            byte = static_cast<char>(below(random, 3) == 0 ? below(random, 4) : below(random, 256));
        bytes += some;
        const std::string text = berth_cloud::base64(some);
        for (std::size_t at = 0; at < text.size(); at += 76)
            lines.push_back(text.substr(at, 76) + "\n");
    }
}

Program any_program(Random& random) {
    Program program;
    program.status = static_cast<int>(below(random, 256));
    std::vector<std::string> out{":p 42\n"};
    std::vector<std::string> err;
    print(random, program.out, out);
    print(random, program.err, err);
    out.push_back(":x " + std::to_string(program.status) + " \n");
    err.emplace_back(":z\n");
    std::size_t outs = 0;
    std::size_t errs = 0;
    while (outs < out.size() || errs < err.size()) {
        // Nothing is printed before the program has begun.
        const bool takes_out = outs == 0 || errs == err.size() || (outs < out.size() && below(random, 2) == 0);
        program.log += takes_out ? labelled(Stream::out, out[outs++]) : labelled(Stream::err, err[errs++]);
    }
    return program;
}

enum class Fate { runs, sandbox_stops, becomes_unreachable };

/// Daytona, as far as one command sees it. The command goes on whenever somebody asks.
class Served {
public:
    Served(const Program& program, Random& random, Fate fate) : program_(program), random_(random), fate_(fate) {
        if (fate != Fate::runs) left_ = below(random, 12);
        splits_logs_ = below(random, 3) == 0;
    }

    void answer_on(FakeHost& host) {
        configure(host);
        const auto on = [&](const char* method, const std::string& path, auto&& act) {
            host.http().on(method, path).reply_by(act);
        };
        host.http().on("POST", sessions).reply(201);
        host.http().on("POST", exec).reply(202, R"({"cmdId":"cmd-1"})");
        on("DELETE", sessions + "/*", [this](const auto&) { return lost() ? gone() : text(204, ""); });
        on("GET", by_id, [this](const auto&) {
            return fate_ == Fate::becomes_unreachable && lost()
                       ? unreachable()
                       : text(200, sandbox({lost() ? "stopped" : "started", "sb-1", 1, "", ""}));
        });
        on("GET", command, [this](const auto&) { return may_fail([this] { return command_now(); }); });
        on("GET", logs, [this](const auto&) { return may_fail([this] { return logs_now(); }); });
        host.websockets().connect_by([this](const std::string&) { return socket(); });
    }
    std::size_t sockets = 0;

private:
    static HttpAnswer text(int status, std::string body) {
        HttpAnswer answer;
        answer.status = status;
        answer.body = std::move(body);
        return answer;
    }
    static HttpAnswer unreachable() {
        HttpAnswer answer;
        answer.fault = HttpAnswer::Fault::refused;
        return answer;
    }
    static HttpAnswer gone() { return text(404, R"({"message":"session not found"})"); }
    [[nodiscard]] bool lost() const { return fate_ != Fate::runs && left_ == 0; }

    void go_on() {
        if (left_ > 0) --left_;
        if (lost()) return;
        written_ += below(random_, 3) == 0 ? program_.log.size() - written_
                                           : below(random_, program_.log.size() - written_ + 1);
        has_exited_ = has_exited_ || (written_ == program_.log.size() && below(random_, 2) == 0);
    }
    template <class Act>
    HttpAnswer may_fail(Act&& act) {
        go_on();
        if (lost()) return fate_ == Fate::becomes_unreachable ? unreachable() : gone();
        HttpAnswer answer = act();
        switch (below(random_, 20)) {
            case 0:
                answer.fault = HttpAnswer::Fault::no_answer;
                break;
            case 1:
                answer.fault = HttpAnswer::Fault::cut;
                answer.body.resize(below(random_, answer.body.size()));
                break;
            case 2:
                return text(502, "");
            default:
                break;
        }
        return answer;
    }
    HttpAnswer command_now() const {
        return text(200, has_exited_ ? R"({"id":"cmd-1","exitCode":0})" : R"({"id":"cmd-1"})");
    }
    /// With its labels, or as Daytona splits it: what could begin a label at its end is text still.
    HttpAnswer logs_now() const {
        if (splits_logs_) return split_now();
        return text(200, program_.log.substr(0, written_));
    }
    HttpAnswer split_now() const {
        std::string parts[2];
        std::string* to = &parts[0];
        const std::string_view log = std::string_view{program_.log}.substr(0, written_);
        for (std::size_t at = 0; at < log.size();) {
            const std::string_view label = log.substr(at, 3);
            if (label == "\001\001\001" || label == "\002\002\002") {
                to = &parts[label[0] - 1];
                at += 3;
            } else {
                to->push_back(log[at++]);
            }
        }
        return text(200, Json{{"output", ""}, {"stdout", parts[0]}, {"stderr", parts[1]}}.dump());
    }
    /// From the beginning, in slices cut anywhere, up to anywhere; then a close, none, or a broken connection.
    SocketScript socket() {
        go_on();
        ++sockets;
        SocketScript script;
        script.refused = lost() || below(random_, 10) == 0;
        if (script.refused) return script;
        const std::size_t upto = below(random_, 3) == 0 ? written_ : below(random_, written_ + 1);
        constexpr std::size_t sizes[] = {1, 3, 13, 1024};
        const std::size_t largest = sizes[below(random_, 4)];
        for (std::size_t at = 0; at < upto;) {
            const std::size_t size = std::min(1 + below(random_, largest), upto - at);
            const MessageKind kind = below(random_, 2) == 0 ? MessageKind::binary : MessageKind::text;
            script.messages.push_back({kind, program_.log.substr(at, size), 0});
            at += size;
        }
        script.stays_open = below(random_, 3) == 0;
        if (!script.stays_open && below(random_, 2) == 0) script.messages.push_back({MessageKind::closed, "", 1000});
        return script;
    }

    const Program& program_;
    Random& random_;
    const Fate fate_;
    std::size_t left_ = 0;  // requests until it is lost
    std::size_t written_ = 0;
    bool has_exited_ = false;
    bool splits_logs_ = false;
};

struct Kept final : berth_cloud::RunSink {
    void started(std::optional<std::int64_t> pid) override {
        ++starts;
        CHECK(pid == 42);
    }
    [[nodiscard]] bool wants(Stream) const override { return true; }
    Delivered output(Stream stream, std::string_view bytes, const std::function<void(const Event&)>&) override {
        (stream == Stream::out ? out : err).append(bytes);
        return Delivered::taken;
    }
    int starts = 0;
    std::string out;
    std::string err;
};

bool is_beginning(const std::string& part, const std::string& whole) {
    return whole.compare(0, part.size(), part) == 0;
}

struct Came {
    Kept kept;
    std::optional<ProcessEnd> end;
    std::optional<Error> error;
};

Came run(FakeHost& host, berth_daytona::Listening listening) {
    testing::FakeCall& fake = host.keep(std::make_unique<testing::FakeCall>(host.shared(), "execute"));
    Call call(&fake);
    berth_daytona::Settings settings;
    settings.api_url = "https://d.example/api";
    const berth_daytona::Api service(Host{&host}, settings);
    berth_cloud::LogLines log({});
    Came came;
    try {
        berth_daytona::DaytonaCommand link(service, call, {"sb-1", "https://box.example" + box}, listening);
        berth_cloud::RunPlan plan;
        plan.command.token = std::string(32, 'a');
        plan.command.argv = {"program"};
        plan.command.directory = "/";
        came.end = berth_cloud::Run(link, call, came.kept, log, berth_cloud::Waiting::none).run(plan);
    } catch (const Error& error) {
        came.error = error;
    }
    host.close_all(fake);
    (void)fake.finish(BERTH_OK);
    return came;
}

}  // namespace

TEST_CASE(
    "10,000 random cuts, closes and failures: no byte lost, doubled or on the wrong stream, the right exit code or "
    "none") {
    Random random(20'261'125);
    std::size_t sockets = 0;
    std::size_t unknown = 0;
    std::size_t given_up = 0;
    for (int round = 0; round < 10'000; ++round) {
        CAPTURE(round);
        const Program program = any_program(random);
        const std::size_t chance = below(random, 20);
        const Fate fate = chance == 0 ? Fate::sandbox_stops : chance == 1 ? Fate::becomes_unreachable : Fate::runs;
        FakeHost host;
        Served served(program, random, fate);
        served.answer_on(host);
        if (below(random, 20) == 0) static_cast<berth_host&>(host).websocket = nullptr;
        using berth_daytona::Listening;
        const Came came = run(host, below(random, 2) == 0 ? Listening::at_once : Listening::after_a_look);
        sockets += served.sockets;
        CHECK(commands_sent(host) == 1);
        CHECK(came.kept.starts <= 1);
        CHECK(is_beginning(came.kept.out, program.out));
        CHECK(is_beginning(came.kept.err, program.err));
        if (came.end && came.end->kind == EndKind::exited) {
            CHECK(came.kept.starts == 1);
            CHECK(came.kept.out == program.out);
            CHECK(came.kept.err == program.err);
            CHECK(came.end->exit_code == program.status);
        } else {
            ++unknown;
            // Six failures in a row are not lived through.
            if (fate == Fate::runs) CHECK(came.error);
            given_up += fate == Fate::runs ? 1 : 0;
            if (came.error) CHECK(came.error->code() == Code::unavailable);
            if (came.error) CHECK(came.error->outcome() != Outcome::none);
            if (came.end) CHECK(came.end->kind == EndKind::killed);
        }
    }
    CHECK(sockets > 10'000);
    CHECK(given_up < 20);
    CHECK(unknown > 100);
    CHECK(unknown < 1'000);
}
