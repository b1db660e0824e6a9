// Files of one plugin exchanged under a Host that serves: in a worker and in this process, good ones and bad ones.
#include <doctest/doctest.h>
#include <link.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "case.hpp"
#include "engine/host.hpp"

using namespace berth;
using namespace misbehaving;

namespace {

/// A Host over one directory in which the plugin `turning` stands.
class Served {
public:
    explicit Served(RunMode run) : directory_{} {
        put("turning_1");
        HostOptions options;
        for (const std::string name : {"turning", "good"}) {
            auto& provider = options.configuration.providers.emplace_back();
            provider.name = name;
            provider.plugin = name;
            provider.run = run;
        }
        options.configuration.default_provider = "turning";
        options.plugin_directories = {directory_.path().string()};
        options.worker_program = BERTH_WORKER;
        options.environment_variables = EnvironmentVariables(
            {{"XDG_CACHE_HOME", directory_.copies()}, {"XDG_STATE_HOME", (directory_.path() / "state").string()}});
        host_.emplace(std::move(options));
    }

    /// The file of the plugin holds this from now on, as installers exchange files.
    void put(const std::string& build) {
        std::filesystem::remove(directory_.path() / "new.tmp");
        directory_.add(build, "new.tmp");
        std::filesystem::rename(directory_.path() / "new.tmp", file());
    }
    [[nodiscard]] std::filesystem::path file() const { return directory_.path() / "turning.so"; }
    [[nodiscard]] Host& host() { return *host_; }
    [[nodiscard]] std::string version() { return host_->open_provider("turning").plugin_version; }
    void check_serves() {
        CHECK(host_->get({"turning", "one"}).name == "the one");
        CHECK(host_->get({"good", "one"}).name == "the one");
    }
    [[nodiscard]] Error refusal() {
        try {
            (void)host_->reload("turning");
        } catch (const Error& error) {
            return error;
        }
        FAIL("it was reloaded");
        throw std::logic_error("not reached: FAIL throws");
    }

private:
    PluginDirectory directory_;
    std::optional<Host> host_;
};

/// How often a library of that plugin is mapped into this process.
std::size_t mapped(const std::string& part) {
    struct Count {
        std::string part;
        std::size_t found = 0;
    } count{part};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            auto& counting = *static_cast<Count*>(data);
            if (std::string_view(info->dlpi_name).find(counting.part) != std::string_view::npos) ++counting.found;
            return 0;
        },
        &count);
    return count.found;
}

void reload_under_load(Served& served) {
    std::atomic<bool> done{false};
    std::atomic<int> calls{0};
    std::vector<std::string> failures;
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (int index = 0; index < 8; ++index) {
        threads.emplace_back([&] {
            do {
                try {
                    (void)served.host().get({"turning", "one"});
                    ++calls;
                } catch (const Error& error) {
                    const std::lock_guard lock(mutex);
                    failures.emplace_back(error.what());
                    return;
                }
            } while (!done);
        });
    }
    for (int index = 0; index < 100; ++index) {
        const bool even = index % 2 == 0;
        served.put(even ? "turning_2" : "turning_1");
        const auto now = served.host().reload("turning");
        CHECK(now.at(0).plugin_version == (even ? "2.0.0" : "1.0.0"));
    }
    done = true;
    for (auto& thread : threads)
        thread.join();
    CHECK_MESSAGE(failures.empty(), (failures.empty() ? std::string() : failures.front()));
    CHECK(calls > 100);
}

}  // namespace

TEST_CASE("a hundred reloads under load in a worker: no failed call, and the old code is gone") {
    {
        Served served(RunMode::worker);
        CHECK(served.version() == "1.0.0");
        reload_under_load(served);
        served.check_serves();
        CHECK(descendants().size() == 2);  // one worker for each provider
    }
    CHECK(descendants().empty());
}

TEST_CASE("a hundred reloads under load in this process: no failed call, and as many versions mapped as there are") {
    Served served(RunMode::in_process);
    CHECK(served.version() == "1.0.0");
    reload_under_load(served);
    served.check_serves();
    CHECK(mapped(served.file().parent_path().string()) == 3);  // two of this plugin, and the good one
}

TEST_CASE("a new file that cannot serve leaves the old one serving, and says why") {
    for (const auto run : {RunMode::worker, RunMode::in_process}) {
        Served served(run);
        served.check_serves();
        const auto check = [&](Code code, const std::string& diagnostic) {
            const auto error = served.refusal();
            CAPTURE(std::string(error.what()));
            CHECK(error.diagnostic() == "BERTH-E-21");
            CHECK(error.code() == code);
            CHECK(says(error, {"the plugin \"turning\" is not reloaded, and what was there before goes on: "}));
            CHECK(error.fields().details.back().second == diagnostic);
            CHECK(served.version() == "1.0.0");
            served.check_serves();
        };
        served.put("turning_lacks");
        check(Code::protocol_error, "BERTH-P-24");
        served.put("turning_refuses");
        check(Code::auth_failed, "BERTH-R-19");
        served.put("not_elf");
        check(Code::invalid_argument, "BERTH-P-08");
        served.put("turning_crashes");
        check(Code::unavailable, run == RunMode::worker ? "BERTH-W-01" : "BERTH-P-32");
        std::filesystem::remove(served.file());
        check(Code::not_found, "BERTH-P-01");
        served.put("turning_2");
        CHECK(served.host().reload("turning").at(0).plugin_version == "2.0.0");
        served.check_serves();
    }
}

TEST_CASE("a worker that dies after its file was exchanged comes back with what it had loaded") {
    Served served(RunMode::worker);
    served.check_serves();
    // As cp does it: into the very file.
    std::ofstream(served.file(), std::ios::trunc) << "no plugin any more";
    for (const auto child : descendants())
        ::kill(child, SIGKILL);
    served.check_serves();
    CHECK(served.version() == "1.0.0");
}

TEST_CASE("in this process no more versions of a file are mapped than there is room for") {
    Served served(RunMode::in_process);
    served.check_serves();
    for (std::size_t version = 1; version < max_generations; ++version) {
        served.put("turning_1");
        std::ofstream(served.file(), std::ios::app) << "version " << version;
        CHECK_NOTHROW((void)served.host().reload("turning"));
    }
    served.put("turning_2");
    const auto error = served.refusal();
    CHECK(says(error, {"16 versions of this file are in this process already", "run: worker"}));
    served.check_serves();
}
