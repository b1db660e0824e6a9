// The provider vercel, as cloud.hpp compares clouds.
#include "cloud.hpp"

namespace {

bench::Vendor vercel(const nlohmann::json& about) {
    const auto said = [&](const char* name) { return about.at(name).get<std::string>(); };
    bench::Vendor vendor;
    vendor.name = "vercel";
    vendor.configuration = {
        {"api_url", said("api_url")}, {"team_id", said("team_id")}, {"project_id", said("project_id")}};
    vendor.secret_option = "api_token";
    vendor.secret = said("token");
    const auto session = said("api_url") + "/v2/sandboxes/sessions/" + said("session");
    const auto team = "?teamId=" + said("team_id");
    const std::vector<std::string> headers{"Authorization: Bearer " + vendor.secret, "Content-Type: application/json"};
    vendor.command = {session + "/cmd" + team, headers,
                      R"({"command":"true","args":[],"env":{},"sudo":false,"wait":true,"logs":true})"};
    vendor.download = {session + "/fs/read" + team, headers, R"({"path":"download.bin"})"};
    return vendor;
}

}  // namespace

int main(int count, char** words) {
    return bench::run_cloud_bench(count, words, vercel);
}
