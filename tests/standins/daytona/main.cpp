// The program: a stand-in for Daytona on 127.0.0.1, until it is interrupted. Its first line on stdout is JSON with the
// addresses and the key it takes. The toolbox has another port than the API, always a free one.
#include "control_plane.hpp"
#include "http_server.hpp"
#include "program.hpp"
#include "toolbox.hpp"

namespace {

using namespace standin;

constexpr const char* usage =
    "usage: daytona_standin [--port N] [--key K] [--directory DIR] [--berth] [--end-with-input]\n";

void serve(int count, char** texts) {
    std::string key = "standin-key";
    const auto words = read_words(count, texts, {{"--key", &key}});
    const auto signals = block_ending_signals();
    const Place place(words.directory, "daytona-standin");
    Clock clock;
    Faults faults;
    Records records;
    daytona::World world(clock, place.path());
    daytona::ControlPlane control_plane(world, clock, key);
    daytona::Toolbox toolbox(world, clock, control_plane, key);
    const HttpServer proxy(0, {toolbox, faults, records, clock});
    const auto proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port()) + "/toolbox";
    const HttpServer api(words.port, {control_plane, faults, records, clock});
    const auto base = "http://127.0.0.1:" + std::to_string(api.port());
    {
        const std::lock_guard lock(world.mutex);
        world.api_url = base + "/api";
        world.proxy_url = proxy_url;
    }
    const Json about{
        {"api_url", base + "/api"}, {"toolbox_url", proxy_url}, {"control_url", base + "/_standin"}, {"api_key", key}};
    greet(words,
          {"Daytona", "daytona", base, about, "DAYTONA_API_KEY", key, {{"api_key", "\"${env:DAYTONA_API_KEY}\""}}});
    wait_for_end(words.end, signals);
    faults.end();
    records.end();
    world.end();
}

}  // namespace

int main(int count, char** words) {
    return run_program("daytona_standin", usage, [&] { serve(count, words); });
}
