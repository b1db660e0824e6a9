// The program: a stand-in for Daytona on 127.0.0.1, until it is interrupted. Its first line on stdout is JSON with the
// addresses and the key it takes.
#include <filesystem>
#include <iostream>
#include <map>

#include "control_plane.hpp"
#include "http_server.hpp"
#include "program.hpp"
#include "toolbox.hpp"

namespace {

using namespace standin;

constexpr const char* usage =
    "usage: daytona_standin [--port N] [--key K] [--directory DIR] [--berth] [--end-with-input]\n"
    "  --port       of the API; 0, the default, is any free one. The toolbox always has a free one\n"
    "  --directory  where the sandboxes' files are kept while it runs; the default is a new one below $TMPDIR\n"
    "  --berth      says what belongs into berth.yaml, for people, instead of JSON\n"
    "  --end-with-input  also ends when stdin does\n";

struct Options {
    std::uint16_t port = 0;
    std::string key = "standin-key";
    std::filesystem::path directory;
    End end = End::at_signal;
    enum class Greeting { json, berth } greeting = Greeting::json;
};

Options options_of(int count, char** words) {
    Options options;
    for (int index = 1; index < count; ++index) {
        const std::string name = words[index];
        if (name == "--end-with-input") {
            options.end = End::with_input;
            continue;
        }
        if (name == "--berth") {
            options.greeting = Options::Greeting::berth;
            continue;
        }
        if (index + 1 == count) throw std::invalid_argument(name + " wants a value");
        const std::string value = words[++index];
        if (name == "--key") {
            options.key = value;
        } else if (name == "--directory") {
            options.directory = value;
        } else if (name == "--port") {
            options.port = port_number(value);
        } else {
            throw std::invalid_argument("there is no option " + name);
        }
    }
    return options;
}

void greet(const Options& options, const std::string& base, const std::string& proxy) {
    if (options.greeting == Options::Greeting::json) {
        std::cout << Json{{"api_url", base + "/api"},
                          {"toolbox_url", proxy},
                          {"control_url", base + "/_standin"},
                          {"api_key", options.key}}
                  << std::endl;
        return;
    }
    std::cout << "# A stand-in for Daytona listens. For berth.yaml:\n"
                 "version: 1\n"
                 "providers:\n"
                 "  daytona:\n"
                 "    plugin: daytona\n"
                 "    config:\n"
                 "      api_url: \""
              << base
              << "/api\"\n"
                 "      api_key: \"${env:DAYTONA_API_KEY}\"\n"
                 "# For the shell:  export DAYTONA_API_KEY="
              << options.key << "\n# Faults, recorded requests and its clock: " << base
              << "/_standin (tests/standins/README.md)\n"
                 "# Ctrl-C ends it and everything in it."
              << std::endl;
}

void serve(const Options& options) {
    const auto signals = block_ending_signals();
    const Place place(options.directory, "daytona-standin");
    Clock clock;
    Faults faults;
    Records records;
    daytona::World world(clock, place.path());
    daytona::ControlPlane control_plane(world, clock, options.key);
    daytona::Toolbox toolbox(world, clock, control_plane, options.key);
    const HttpServer proxy(0, {toolbox, faults, records, clock});
    const auto proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port()) + "/toolbox";
    const HttpServer api(options.port, {control_plane, faults, records, clock});
    const auto base = "http://127.0.0.1:" + std::to_string(api.port());
    {
        const std::lock_guard lock(world.mutex);
        world.api_url = base + "/api";
        world.proxy_url = proxy_url;
    }
    greet(options, base, proxy_url);
    wait_for_end(options.end, signals);
    faults.end();
    records.end();
    world.end();
}

}  // namespace

int main(int count, char** words) {
    try {
        serve(options_of(count, words));
        return 0;
    } catch (const std::invalid_argument& wrong) {
        std::cerr << "daytona_standin: " << wrong.what() << "\n" << usage;
        return 2;
    } catch (const std::exception& failure) {
        std::cerr << "daytona_standin: " << failure.what() << "\n";
        return 1;
    }
}
