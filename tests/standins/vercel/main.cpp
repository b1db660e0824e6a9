// The program: a stand-in for Vercel Sandbox on 127.0.0.1, until it is interrupted. Its first line on stdout is JSON with
// the address and the credentials it takes.
#include <filesystem>
#include <iostream>
#include <map>

#include "http_server.hpp"
#include "program.hpp"
#include "vercel_service.hpp"

namespace {

using namespace standin;

constexpr const char* usage =
    "usage: vercel_standin [--port N] [--token T] [--team T] [--project P] [--directory DIR]\n"
    "                      [--berth] [--end-with-input]\n"
    "  --port       0, the default, is any free one\n"
    "  --directory  where the sandboxes' files are kept while it runs; the default is a new one below $TMPDIR\n"
    "  --berth      says what belongs into berth.yaml, for people, instead of JSON\n"
    "  --end-with-input  also ends when stdin does\n";

struct Options {
    std::uint16_t port = 0;
    vercel::Credentials credentials{"standin-token", "team_standin", "prj_standin"};
    std::filesystem::path directory;
    End end = End::at_signal;
    enum class Greeting { json, berth } greeting = Greeting::json;
};

Options options_of(int count, char** words) {
    Options options;
    std::map<std::string, std::string*> texts{{"--token", &options.credentials.token},
                                              {"--team", &options.credentials.team},
                                              {"--project", &options.credentials.project}};
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
        if (const auto text = texts.find(name); text != texts.end()) {
            *text->second = value;
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

void greet(const Options& options, const std::string& base) {
    const auto& [token, team, project] = options.credentials;
    if (options.greeting == Options::Greeting::json) {
        std::cout << Json{{"api_url", base + "/api"},
                          {"control_url", base + "/_standin"},
                          {"token", token},
                          {"team_id", team},
                          {"project_id", project}}
                  << std::endl;
        return;
    }
    std::cout << "# A stand-in for Vercel Sandbox listens. For berth.yaml:\n"
                 "version: 1\n"
                 "providers:\n"
                 "  vercel:\n"
                 "    plugin: vercel\n"
                 "    config:\n"
                 "      api_url: \""
              << base
              << "/api\"\n"
                 "      api_token: \"${env:VERCEL_TOKEN}\"\n"
                 "      team_id: "
              << team
              << "\n"
                 "      project_id: "
              << project
              << "\n"
                 "# For the shell:  export VERCEL_TOKEN="
              << token
              << "\n"
                 "# Faults, recorded requests and its clock: "
              << base
              << "/_standin (tests/standins/README.md)\n"
                 "# Ctrl-C ends it and everything in it."
              << std::endl;
}

void serve(const Options& options) {
    const auto signals = block_ending_signals();
    const Place place(options.directory, "vercel-standin");
    Clock clock;
    Faults faults;
    Records records;
    vercel::World world(clock, place.path());
    vercel::VercelService service(world, clock, options.credentials);
    const HttpServer server(options.port, {service, faults, records, clock});
    greet(options, "http://127.0.0.1:" + std::to_string(server.port()));
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
        std::cerr << "vercel_standin: " << wrong.what() << "\n" << usage;
        return 2;
    } catch (const std::exception& failure) {
        std::cerr << "vercel_standin: " << failure.what() << "\n";
        return 1;
    }
}
