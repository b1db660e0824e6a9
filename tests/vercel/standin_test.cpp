// vercel.so in the real host, over the stand-in: the first example of everybody, and a Vercel that dies, hangs or talks
// nonsense.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/reader.hpp"
#include "engine/host.hpp"
#include "stand_in.hpp"

using namespace berth;
using standin_test::StandIn;

namespace {

class Scene {
public:
    explicit Scene(const std::vector<std::string>& words = {}, std::string credentials = {})
        : standin(STANDIN_PROGRAM, words), folder_(std::filesystem::temp_directory_path() / "berth-vercel-XXXXXX") {
        std::string name = folder_.string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        if (credentials.empty()) {
            ::setenv("VERCEL_TOKEN", standin.about("token").c_str(), 1);
            credentials =
                "team_id: \"" + standin.about("team_id") + "\", project_id: \"" + standin.about("project_id") + "\"";
        }
        std::ofstream(folder_ / "berth.yaml")
            << "version: 1\nplugins: { paths: [\"" << PLUGIN_FOLDER << "\"] }\nproviders:\n  vercel: { plugin: vercel, "
            << "config: { api_url: \"" << standin.api_url() << "\", " << credentials
            << ", templates: { node18: node22 } } }\n";
        HostOptions options;
        options.environment_variables = EnvironmentVariables::of_process();
        options.configuration = load_configuration((folder_ / "berth.yaml").string(), options.environment_variables);
        options.state_directory = (folder_ / "state").string();
        options.service_directory = SERVICE_FOLDER;
        host.emplace(std::move(options));
    }
    ~Scene() {
        host.reset();
        std::filesystem::remove_all(folder_);
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    SandboxName create(SandboxConfig config = {}) {
        CreateRequest request;
        request.provider = "vercel";
        request.config = std::move(config);
        const auto info = host->create(request);
        return {info.provider, info.id};
    }
    /// The code of what a call ends with, within the deadline.
    template <class Act>
    Code failure(Act&& act) {
        CallOptions options;
        options.deadline = Milliseconds{1500};
        try {
            act(options);
        } catch (const Error& error) {
            MESSAGE(std::string{error.what()});
            return error.code();
        }
        FAIL("it succeeded");
        return Code::internal;
    }

    StandIn standin;
    std::optional<Host> host;

private:
    std::filesystem::path folder_;
};

/// Variables of this process, until the end of a test.
class SetVariables {
public:
    SetVariables(std::initializer_list<std::pair<std::string, std::string>> all) {
        for (const auto& [name, value] : all) {
            const char* before = ::getenv(name.c_str());
            before_.emplace_back(name, before == nullptr ? std::nullopt : std::optional<std::string>{before});
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }
    ~SetVariables() {
        for (const auto& [name, value] : before_)
            value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
    SetVariables(const SetVariables&) = delete;
    SetVariables& operator=(const SetVariables&) = delete;

private:
    std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

ProcessConfig shell(const std::string& line) {
    ProcessConfig process;
    process.command = "sh";
    process.args = {"-c", line};
    return process;
}

}  // namespace

TEST_CASE("the first example: a named sandbox from node18, npm install, its output") {
    Scene scene;
    SandboxConfig config;
    config.name = "my-sandbox";
    config.template_name = "node18";
    config.environment.env = {{"NODE_ENV", "development"}};
    config.initial_files = {{"", "package.json", {}, "{\"name\": \"app\", \"version\": \"1.0.0\"}"}};
    const SandboxName sandbox = scene.create(config);
    const auto facts = scene.host->get(sandbox).facts;
    CHECK(std::find(facts.begin(), facts.end(), std::pair{std::string{"runtime"}, std::string{"node22"}}) !=
          facts.end());
    CHECK(scene.host->execute(sandbox, shell("printf %s \"$NODE_ENV\"")).standard_output == "development");
    ProcessConfig install;
    install.command = "npm";
    install.args = {"install"};
    const auto result = scene.host->execute(sandbox, install);
    CHECK(result.exit_code == 0);
    CHECK(result.standard_output.find("up to date") != std::string::npos);
    install.command = "/opt/standin/bin/npm";  // the stand-in's own, for machines without
    CHECK(scene.host->execute(sandbox, install).standard_output.find("up to date") != std::string::npos);
    scene.host->destroy(sandbox);
    CHECK(scene.standin.state().at("bills") == standin_test::Json{{"running_sessions", 0}, {"stored_bytes", 0}});
}

TEST_CASE("credentials that are configured go before those of another kind in the environment") {
    const SetVariables variables{
        {"VERCEL_TOKEN", "token of others"},
        {"VERCEL_TEAM_ID", "team_of_others"},
        {"VERCEL_PROJECT_ID", "prj_of_others"},
        {"VERCEL_OIDC_TOKEN", "head.eyJvd25lcl9pZCI6Im8iLCJwcm9qZWN0X2lkIjoibyJ9.o"},
        // {"owner_id":"team_own","project_id":"prj_own"}
        {"OWN_OIDC_TOKEN", "head.eyJvd25lcl9pZCI6InRlYW1fb3duIiwicHJvamVjdF9pZCI6InByal9vd24ifQ.own"},
        {"OWN_TOKEN", "own token"}};
    const std::string access = ", team_id: team_own, project_id: prj_own";
    for (const auto& given : {std::pair{"OWN_OIDC_TOKEN", std::string{"oidc_token: \"${env:OWN_OIDC_TOKEN}\""}},
                              std::pair{"OWN_TOKEN", "token: \"${env:OWN_TOKEN}\"" + access},
                              std::pair{"OWN_TOKEN", "api_key: \"${env:OWN_TOKEN}\"" + access},
                              std::pair{"OWN_TOKEN", "api_token: \"${env:OWN_TOKEN}\"" + access}}) {
        const std::string credentials = given.second;
        CAPTURE(credentials);
        Scene scene({"--token", ::getenv(given.first), "--team", "team_own", "--project", "prj_own"}, credentials);
        const SandboxName sandbox = scene.create();
        CHECK(scene.host->execute(sandbox, shell("echo fine")).standard_output == "fine\n");
        scene.host->destroy(sandbox);
    }
    // A token that lacks its team is said, and not replaced by what somebody else left in the environment.
    ::unsetenv("VERCEL_TEAM_ID");
    Scene scene({}, "token: \"${env:OWN_TOKEN}\"");
    CHECK(scene.failure([&](const CallOptions& options) {
        CreateRequest request;
        request.provider = "vercel";
        (void)scene.host->create(request, options);
    }) == Code::auth_failed);
    CHECK(scene.standin.requests().empty());
}

TEST_CASE("a stopped sandbox that was restarted and destroyed leaves nothing that is billed") {
    Scene scene;
    const SandboxName sandbox = scene.create();
    CHECK(scene.host->execute(sandbox, shell("echo kept > file")).exit_code == 0);
    (void)scene.host->restart(sandbox);
    CHECK(scene.host->execute(sandbox, shell("cat file")).standard_output == "kept\n");
    scene.host->destroy(sandbox);
    CHECK(scene.standin.state().at("bills") == standin_test::Json{{"running_sessions", 0}, {"stored_bytes", 0}});
}

TEST_CASE("a Vercel that died is UNAVAILABLE, and nothing is claimed") {
    Scene scene;
    const SandboxName sandbox = scene.create();
    auto running = scene.host->execute_stream(sandbox, shell("echo up; sleep 1000"));
    std::byte buffer[16];
    CHECK(running.standard_output()->read(buffer) > 0);
    ::kill(scene.standin.pid(), SIGKILL);
    try {
        (void)running.wait();
        FAIL("it ended");
    } catch (const Error& error) {
        CHECK(error.code() == Code::unavailable);
        CHECK(error.fields().outcome == Outcome::unknown);
    }
    const auto code = scene.failure([&](const CallOptions& options) { (void)scene.host->get(sandbox, options); });
    CHECK((code == Code::unavailable || code == Code::timeout));
    CHECK_FALSE(scene.host->is_ready(sandbox));
}

TEST_CASE("a Vercel that hangs ends in a timeout, and one that talks nonsense in an error") {
    Scene scene;
    const SandboxName sandbox = scene.create();
    scene.standin.fault("", "**", {{"hang", true}});
    CHECK(scene.failure([&](const CallOptions& options) { (void)scene.host->get(sandbox, options); }) == Code::timeout);
    scene.standin.clear_faults();
    scene.standin.fault("", "**", {{"garbage", 2000}});
    const auto code = scene.failure([&](const CallOptions& options) { (void)scene.host->get(sandbox, options); });
    CHECK((code == Code::unavailable || code == Code::protocol_error || code == Code::timeout));
    scene.standin.clear_faults();
    scene.standin.fault("GET", "/v2/sandboxes/*", {{"status", 200}, {"body", "{\"sandbox\": ["}});
    CHECK(scene.failure([&](const CallOptions& options) { (void)scene.host->get(sandbox, options); }) ==
          Code::protocol_error);
    scene.standin.clear_faults();
    CHECK(scene.host->execute(sandbox, shell("echo fine")).standard_output == "fine\n");
    scene.host->destroy(sandbox);
}

TEST_CASE("a large file of which one part is lost on its way is not put in place, and the old one stays") {
    Scene scene;
    const SandboxName sandbox = scene.create();
    CHECK(scene.host->execute(sandbox, shell("echo old > large")).exit_code == 0);
    std::string content(std::size_t{9} << 20U, 'x');
    content.replace(content.size() - (std::size_t{1} << 19U), 14, "in one part...");
    const std::string other(content.size(), 'y');
    const std::array files{FileOperation{{}, "large", {}, content}, FileOperation{{}, "other", {}, other}};
    // However often the http service tries: the part is lost, what follows it is not.
    const int lost = scene.standin.fault({{"method", "POST"},
                                          {"path", "/v2/sandboxes/sessions/*/fs/write"},
                                          {"body_has", "in one part..."},
                                          {"times", -1},
                                          {"what", {{"reset", true}}}});
    try {
        scene.host->upload_files(sandbox, files);
        FAIL("it succeeded");
    } catch (const Error& error) {
        CHECK(error.code() == Code::unavailable);
    }
    scene.standin.wait_for_fault(lost, 3);
    scene.standin.clear_faults();
    const bool is_old = scene.host->execute(sandbox, shell("cat large; ls")).standard_output == "old\nlarge\n";
    CHECK(is_old);  // and not what it is instead: that is large
    scene.host->upload_files(sandbox, files);
    CHECK(scene.host->execute(sandbox, shell("wc -c <large; grep -c 'in one part' large")).standard_output ==
          std::to_string(content.size()) + "\n1\n");
    CHECK(scene.host->execute(sandbox, shell("ls -A /tmp | grep '[.][0-9]*$'")).standard_output.empty());
    scene.host->destroy(sandbox);
}
