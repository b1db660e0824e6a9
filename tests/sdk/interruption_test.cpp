// for_each_interruption finds what a provider forgets, and lets a careful one through. The provider is a small REST one
// over scripted HTTP, written twice: with care, and with one fault at a time.
#include <doctest/doctest.h>

#include "scripted_plugin.hpp"

using namespace berth;
using testing::FakeHost;
using testing::Instance;

namespace {

enum class Fault { none, no_undo, not_uninterrupted, no_window, leaves_exchange, loses_output, exact_size };

/// A backend with at most one sandbox, and a provider for it.
struct Rest {
    explicit Rest(FakeHost& fake, Fault fault) : host(fake) {
        host.http().on("POST", "/boxes").reply(201, "box-1");
        host.http().on("GET", "/boxes/box-1").reply(200, "starting").reply(200, "ready");
        host.http().on("DELETE", "/boxes/box-1").reply(204);
        script.create = [this, fault](Call& call, const SandboxConfig& config, FileSource& files) {
            HttpRequest make{"POST", "http://b/boxes"};
            make.uninterrupted = fault != Fault::not_uninterrupted;
            SandboxInfo info = Script::info(http().send(call, make).body, config);
            info.state = SandboxState::initializing;
            auto undo = call.undo([&] { remove(call); }, Duration{fault == Fault::no_window ? 0 : 10'000});
            if (fault == Fault::no_undo) undo.dismiss();
            call.announce(info);
            while (http().send(call, {"GET", "http://b/boxes/box-1"}).body != "ready")
                call.sleep(Duration{1});
            files.each([&](const FileEntry&) {
                char buffer[64];
                while (files.read(buffer, sizeof buffer) != 0) {
                }
            });
            if (fault == Fault::exact_size && config.raw().size != sizeof(berth_sandbox_config))
                throw Error(Code::internal, "unknown host");
            info.state = SandboxState::ready;
            undo.dismiss();
            return info;
        };
        script.destroy = [this](Call& call, std::string_view) { remove(call); };
        script.list = [this](Call&, InfoSink& sink) {
            if (host.http().count("POST", "/boxes") > host.http().count("DELETE", "/boxes/box-1"))
                (void)sink.put(Script::info("box-1"));
        };
        script.execute = [this, fault](Call& call, std::string_view, const Process&, ProcessSink& sink) {
            if (fault == Fault::leaves_exchange) {
                berth_exchange* exchange = nullptr;
                const HttpRequest request{"GET", "http://b/boxes/box-1"};
                (void)host.berth_host::http->open(&host, call.raw(), berth::detail::RawRequest{request}.get(),
                                                  &exchange);
            }
            call.throw_if_cancelled();
            sink.started();
            for (const char* line : {"one", "two"}) {
                if (fault == Fault::loses_output) {
                    berth_call* raw = call.raw();
                    berth_event event = berth::detail::sized<berth_event>();
                    (void)raw_sink(sink)->output(raw_sink(sink), BERTH_STDOUT, berth::detail::bytes(line));
                    while (raw->next_event(raw, &event) == BERTH_OK) {
                    }
                } else {
                    (void)sink.output(Stream::out, line);
                }
            }
            return call.cancelled() ? ProcessEnd::by_signal(9, EndKind::cancelled) : ProcessEnd::exited(0);
        };
    }
    /// A plugin that goes round the face: the sink begins with the pointer it wraps.
    static berth_process_sink* raw_sink(ProcessSink& sink) { return *reinterpret_cast<berth_process_sink**>(&sink); }
    Http http() const { return Host{&host}.http(); }
    void remove(Call& call) const { (void)http().send(call, {"DELETE", "http://b/boxes/box-1"}); }

    FakeHost& host;
    Script script;
};

testing::Interruptions interrupt(Fault fault) {
    return testing::for_each_interruption([&](FakeHost& host) {
        Rest rest{host, fault};
        Instance instance{host};
        const auto made = instance.create({.initial_files = {{"/a", "abc"}}});
        if (made.ok()) {
            const auto run = instance.execute_stream(made->id, {"sh"});
            CHECK(run.end.has_value() != run.error.has_value());
            if (run.end && run.end->kind == EndKind::exited && !host.was_interrupted()) CHECK(run.out == "onetwo");
            if (!instance.destroy(made->id).ok()) CHECK(instance.destroy(made->id).ok());
        }
        instance.expect_nothing_left();
    });
}

std::string found(Fault fault) {
    try {
        (void)interrupt(fault);
        return "nothing";
    } catch (const std::logic_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a careful provider gets through every interruption") {
    const testing::Interruptions tried = interrupt(Fault::none);
    CHECK(tried.cancels > 25);
    CHECK(tried.events == 2);
    CHECK(tried.enoughs == 2);
}

TEST_CASE("a create without undo leaves a sandbox") {
    CHECK(found(Fault::no_undo).find("C3: a sandbox was left behind") != std::string::npos);
}

TEST_CASE("a request that makes something and can be cut leaves a sandbox") {
    CHECK(found(Fault::not_uninterrupted).find("C3: a sandbox was left behind") != std::string::npos);
}

TEST_CASE("an undo without a clean-up window leaves a sandbox") {
    CHECK(found(Fault::no_window).find("C3: a sandbox was left behind") != std::string::npos);
}

TEST_CASE("an exchange that is never closed") {
    CHECK(found(Fault::leaves_exchange).find("order: an exchange was left open") != std::string::npos);
}

TEST_CASE("output that is not offered again after INTERRUPTED") {
    CHECK(found(Fault::loses_output).find("order: ") != std::string::npos);
}

TEST_CASE("a plugin that knows only a host of its own size") {
    CHECK_THROWS_AS(testing::for_each_interruption([](FakeHost& host) {
                        Rest rest{host, Fault::exact_size};
                        Instance instance{host};
                        const auto made = instance.create();
                        if (!host.was_interrupted()) (void)made.value();
                        if (made.ok()) (void)(instance.destroy(made->id).ok() || instance.destroy(made->id).ok());
                    }),
                    Error);
}

TEST_CASE("an exception of the test itself goes through") {
    CHECK_THROWS_AS(testing::for_each_interruption([](FakeHost&) { throw std::runtime_error("mine"); }),
                    std::runtime_error);
}
