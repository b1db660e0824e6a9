// The provider vercel through the library, against a stand-in that answers at once: against the official client, where it
// is installed, and against libcurl alone. Commands, files, and what a large file costs in memory.
//
//   bench_vercel --plugins DIR --about JSON --what turn|flight|upload|download|memory [--count N] [--official SCRIPT]
//                [--node NODE] [--place DIR] [--rounds N]
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "bare_curl.hpp"
#include "embedded.hpp"
#include "measure.hpp"

namespace {

using nlohmann::json;

berth::HostOptions options_for(const std::string& plugins, const json& about, const std::string& state) {
    auto options = bench::embedded_options(plugins, state);
    auto& provider = options.configuration.providers.front();
    provider.name = "vercel";
    provider.plugin = "vercel";
    provider.config = {};
    provider.config.value = {{"api_url", about.at("api_url")},
                             {"team_id", about.at("team_id")},
                             {"project_id", about.at("project_id")},
                             {"api_token", "${env:BERTH_BENCH_TOKEN}"}};
    options.configuration.default_provider = "vercel";
    auto variables = options.environment_variables.variables();
    variables["BERTH_BENCH_TOKEN"] = about.at("token").get<std::string>();
    options.environment_variables = berth::EnvironmentVariables(std::move(variables));
    options.state_directory = state;
    return options;
}

bench::BareRequest bare_command(const json& about) {
    const auto url = about.at("api_url").get<std::string>() + "/v2/sandboxes/sessions/" +
                     about.at("session").get<std::string>() + "/cmd?teamId=" + about.at("team_id").get<std::string>();
    return {url,
            {"Authorization: Bearer " + about.at("token").get<std::string>(), "Content-Type: application/json"},
            R"({"command":"true","args":[],"env":{},"sudo":false,"wait":true,"logs":true})"};
}

/// Bytes that do not shrink.
void write_random(const std::string& path, std::size_t bytes) {
    std::ofstream file(path, std::ios::binary);
    std::mt19937_64 numbers(7);
    std::vector<std::uint64_t> part(std::size_t{1} << 17U);
    for (std::size_t at = 0; at < bytes; at += part.size() * 8) {
        for (auto& number : part)
            number = numbers();
        file.write(reinterpret_cast<const char*>(part.data()),
                   static_cast<std::streamsize>(std::min(part.size() * 8, bytes - at)));
    }
}

double peak_kibibytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss);
}

class Sides {
public:
    Sides(const bench::Arguments& given, const std::string& place)
        : about_(json::parse(given.text("about"))),
          host_(options_for(given.text("plugins"), about_, place + "/state")),
          sandbox_{"vercel", about_.at("sandbox").get<std::string>()},
          place_(place) {}

    void one() {
        if (host_.execute(sandbox_, bench::command({"true"})).exit_code != 0) throw std::runtime_error("true failed");
    }
    void in_turn(int count) {
        for (int index = 0; index < count; ++index)
            one();
    }
    void in_flight(int count) {
        std::vector<std::thread> threads;
        for (int thread = 0; thread < 100; ++thread)
            threads.emplace_back([this, each = count / 100] { in_turn(each); });
        for (auto& thread : threads)
            thread.join();
    }
    void upload(const std::string& file) {
        const std::array files{berth::FileOperation{file, "berth.bin", {}, {}}};
        host_.upload_files(sandbox_, files);
    }
    void download() {
        const std::array files{berth::FileOperation{place_ + "/got.bin", "download.bin", {}, {}}};
        (void)host_.download_files(sandbox_, files);
    }
    [[nodiscard]] const json& about() const { return about_; }

private:
    json about_;
    berth::Host host_;
    berth::SandboxName sandbox_;
    std::string place_;
};

json memory(Sides& sides, const std::string& place) {
    const auto small = place + "/small.bin";
    const auto large = place + "/large.bin";
    write_random(small, std::size_t{1} << 20U);
    write_random(large, std::size_t{1} << 30U);
    sides.upload(small);
    const double before = peak_kibibytes();
    sides.upload(large);
    return {{"memory_growth_kib", peak_kibibytes() - before}};
}

json measure(int count, char** words) {
    const bench::Arguments given(count, words);
    const bench::Place place(given.text("place", "/var/tmp"));
    const auto what = given.text("what");
    const int times = given.number("count", 100);
    Sides sides(given, place.path());
    if (what == "memory") return memory(sides, place.path());
    bench::Comparison comparison;
    std::unique_ptr<bench::Companion> official;
    bench::BareClient bare;
    const auto command = bare_command(sides.about());
    const auto file = place.path() + "/up.bin";
    if (what == "turn") {
        comparison.add("libcurl", bench::timed([&] {
                           for (int index = 0; index < times; ++index)
                               (void)bare.send(command);
                       }));
        comparison.add("vercel.so", bench::timed([&] { sides.in_turn(times); }));
    } else if (what == "flight") {
        comparison.add("libcurl multi", bench::timed([&] { bench::BareClient::send_many(command, times, 100); }));
        comparison.add("vercel.so", bench::timed([&] { sides.in_flight(times); }));
    } else if (what == "upload") {
        write_random(file, static_cast<std::size_t>(times));
        comparison.add("vercel.so", bench::timed([&] { sides.upload(file); }));
    } else if (what == "download") {
        comparison.add("vercel.so", bench::timed([&] { sides.download(); }));
    } else {
        throw std::runtime_error("--what: turn, flight, upload, download or memory");
    }
    if (const auto script = given.text("official"); !script.empty()) {
        official = std::make_unique<bench::Companion>(
            std::vector<std::string>{given.text("node", "node"), script, what, std::to_string(times)},
            place.path() + "/official");
        comparison.add("official client", [&] { return std::vector<double>{official->step()}; });
    }
    comparison.run(given.number("rounds", 9), given.number("warmup", 1));
    return comparison.report();
}

}  // namespace

int main(int count, char** words) {
    return bench::print_report("bench_vercel", [&] { return measure(count, words); });
}
