// What the clouds are measured with: a stand-in with no work to do knows the commands of the provider that is measured, and
// answers them at once. Where it does not, the provider asks again and again what became of them, and that is measured.
#include <doctest/doctest.h>

#include <filesystem>

#include "cloud.hpp"
#include "embedded.hpp"
#include "stand_in.hpp"

namespace {

using standin_test::Json;

/// The exit code of a command that would end with 3, and the requests it took.
struct Answered {
    int exit_code;
    std::vector<std::string> requests;
};

Answered answered_at_once(const standin_test::StandIn& stand_in, const bench::Vendor& vendor) {
    const bench::Place place(std::filesystem::temp_directory_path().string());
    berth::Host host(bench::cloud_options(PLUGIN_FOLDER, vendor, place.path() + "/state"));
    const auto sandbox = bench::make_sandbox(host);
    stand_in.behave({{"work", "none"}});
    stand_in.forget_requests();
    Answered answered{host.execute(sandbox, bench::command({"sh", "-c", "exit 3"})).exit_code, {}};
    for (const auto& request : stand_in.requests()) {
        answered.requests.push_back(request["method"]);
    }
    return answered;
}

}  // namespace

TEST_CASE("with no work to do, the stand-in for Vercel answers a command of vercel.so at once, in one request") {
    const standin_test::VercelStandIn stand_in;
    bench::Vendor vendor;
    vendor.name = "vercel";
    vendor.configuration = {{"api_url", stand_in.api_url()},
                            {"team_id", stand_in.about("team_id")},
                            {"project_id", stand_in.about("project_id")}};
    vendor.secret_option = "api_token";
    vendor.secret = stand_in.about("token");
    const auto answered = answered_at_once(stand_in, vendor);
    CHECK(answered.exit_code == 0);
    CHECK(answered.requests == std::vector<std::string>{"POST"});
}

TEST_CASE("with no work to do, the stand-in for Daytona answers a command of daytona.so at once, in one session") {
    const standin_test::DaytonaStandIn stand_in;
    bench::Vendor vendor;
    vendor.name = "daytona";
    vendor.configuration = {{"api_url", stand_in.api_url()}};
    vendor.secret_option = "api_key";
    vendor.secret = stand_in.about("api_key");
    const auto answered = answered_at_once(stand_in, vendor);
    CHECK(answered.exit_code == 0);
    CHECK(answered.requests == std::vector<std::string>{"POST", "POST", "GET", "DELETE"});
}
