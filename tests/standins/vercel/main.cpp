// The program: a stand-in for Vercel Sandbox on 127.0.0.1, until it is interrupted. Its first line on stdout is JSON with
// the address and the credentials it takes.
#include "http_server.hpp"
#include "program.hpp"
#include "vercel_service.hpp"

namespace {

using namespace standin;

constexpr const char* usage =
    "usage: vercel_standin [--port N] [--token T] [--team T] [--project P] [--directory DIR]\n"
    "                      [--berth] [--end-with-input]\n";

Greeting greeting_of(const vercel::Credentials& credentials, const std::string& base) {
    const auto& [token, team, project] = credentials;
    return {"Vercel Sandbox",
            "vercel",
            base,
            {{"api_url", base + "/api"},
             {"control_url", base + "/_standin"},
             {"token", token},
             {"team_id", team},
             {"project_id", project}},
            "VERCEL_TOKEN",
            token,
            {{"api_token", "\"${env:VERCEL_TOKEN}\""}, {"team_id", team}, {"project_id", project}}};
}

void serve(int count, char** texts) {
    vercel::Credentials credentials{"standin-token", "team_standin", "prj_standin"};
    const auto words = read_words(
        count, texts,
        {{"--token", &credentials.token}, {"--team", &credentials.team}, {"--project", &credentials.project}});
    const auto signals = block_ending_signals();
    const Place place(words.directory, "vercel-standin");
    Clock clock;
    Faults faults;
    Records records;
    vercel::World world(clock, place.path());
    vercel::VercelService service(world, clock, credentials);
    const HttpServer server(words.port, {service, faults, records, clock});
    greet(words, greeting_of(credentials, "http://127.0.0.1:" + std::to_string(server.port())));
    wait_for_end(words.end, signals);
    faults.end();
    records.end();
    world.end();
}

}  // namespace

int main(int count, char** words) {
    return run_program("vercel_standin", usage, [&] { serve(count, words); });
}
