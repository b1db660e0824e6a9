// daytona.so in the real host, over the stand-in: logs that are cut and closed anywhere, and sandboxes that leave nothing.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "config/reader.hpp"
#include "engine/host.hpp"
#include "stand_in.hpp"

using namespace berth;
using standin_test::Json;
using standin_test::StandIn;

namespace {

class Scene {
public:
    enum class Services { all, without_websockets };
    explicit Scene(Services services = Services::all)
        : standin(STANDIN_PROGRAM), folder_(std::filesystem::temp_directory_path() / "berth-daytona-XXXXXX") {
        std::string name = folder_.string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        ::setenv("DAYTONA_API_KEY", standin.about("api_key").c_str(), 1);
        std::ofstream(folder_ / "berth.yaml")
            << "version: 1\nplugins: { paths: [\"" << PLUGIN_FOLDER
            << "\"] }\nproviders:\n  daytona: { plugin: daytona, config: { api_url: \"" << standin.api_url()
            << "\" } }\n";
        HostOptions options;
        options.environment_variables = EnvironmentVariables::of_process();
        options.configuration = load_configuration((folder_ / "berth.yaml").string(), options.environment_variables);
        options.state_directory = (folder_ / "state").string();
        options.service_directory = services == Services::all ? SERVICE_FOLDER : others_than_websockets();
        options.log = [this](LogLevel level, std::string_view line) {
            if (level == LogLevel::warning && line.find("websocket") != std::string_view::npos) ++warnings;
        };
        host.emplace(std::move(options));
    }
    ~Scene() {
        host.reset();
        std::filesystem::remove_all(folder_);
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    SandboxName create() {
        CreateRequest request;
        request.provider = "daytona";
        const auto info = host->create(request);
        return {info.provider, info.id};
    }

    StandIn standin;
    std::optional<Host> host;
    std::atomic<int> warnings = 0;  // about websockets

private:
    [[nodiscard]] std::string others_than_websockets() const {
        std::filesystem::create_directory(folder_ / "services");
        for (const char* module : {"http.so", "state.so"})
            std::filesystem::copy_file(std::filesystem::path(SERVICE_FOLDER) / module, folder_ / "services" / module);
        return folder_ / "services";
    }
    std::filesystem::path folder_;
};

ProcessConfig shell(const std::string& line) {
    ProcessConfig process;
    process.command = "sh";
    process.args = {"-c", line};
    return process;
}

}  // namespace

TEST_CASE("a log that is cut and closed anywhere loses, doubles and misplaces no byte, and the exit code is right") {
    Scene scene;
    const SandboxName sandbox = scene.create();
    std::mt19937 random(20'261'125);
    const auto below = [&](unsigned bound) { return static_cast<int>(random() % bound); };
    constexpr const char* ends[] = {"close", "early", "never", "abnormal"};
    constexpr int slices[] = {1, 3, 13, 1024};
    for (int round = 0; round < 40; ++round) {
        const Json manner{{"log_end", ends[below(4)]},
                          {"log_end_after", below(400)},
                          {"log_slice", slices[below(4)]},
                          {"log_close_after_ms", below(2) * 50}};
        CAPTURE(manner.dump());
        scene.standin.behave(manner);
        const int lines = below(30);
        const int code = below(120);
        std::string out;
        std::string err;
        for (int line = 0; line < lines; ++line) {
            out += "\001\001\001o" + std::to_string(line) + std::string("\0\xff", 2);
            err += "\002\002\002e" + std::to_string(line) + "\n";
        }
        const auto result = scene.host->execute(
            sandbox, shell("i=0; while [ $i -lt " + std::to_string(lines) +
                           " ]; do printf '\\001\\001\\001o%s\\000\\377' $i; printf '\\002\\002\\002e%s\\n' $i >&2; "
                           "i=$((i + 1)); done; exit " +
                           std::to_string(code)));
        CHECK(result.standard_output == out);
        CHECK(result.standard_error == err);
        CHECK(result.exit_code == code);
    }
    scene.host->destroy(sandbox);
}

TEST_CASE("a command that runs on while each socket closes early is heard to its end") {
    Scene scene;
    const SandboxName sandbox = scene.create();
    scene.standin.behave({{"log_end", "early"}, {"log_end_after", 5}});
    const auto result = scene.host->execute(sandbox, shell("echo begun; sleep 3; echo done; exit 3"));
    CHECK(result.standard_output == "begun\ndone\n");
    CHECK(result.exit_code == 3);
    CHECK(scene.standin.requests("GET", "/toolbox/*/process/session/*/command/*/logs").size() > 3);
    scene.host->destroy(sandbox);
}

TEST_CASE("without the websocket service every command is heard all the same, and that it is slower is said once") {
    Scene scene(Scene::Services::without_websockets);
    const SandboxName sandbox = scene.create();
    for (int round = 0; round < 2; ++round) {
        const auto result = scene.host->execute(sandbox, shell("echo out; echo err >&2; exit 5"));
        CHECK(result.standard_output == "out\n");
        CHECK(result.standard_error == "err\n");
        CHECK(result.exit_code == 5);
    }
    CHECK(scene.warnings == 1);
    scene.host->destroy(sandbox);
}
