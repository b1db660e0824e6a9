#include "cloud.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "embedded.hpp"
#include "measure.hpp"

namespace bench {
namespace {

using nlohmann::json;

constexpr int in_flight = 100;

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
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

double peak_kibibytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss);
}

class Counter final : public berth::OutputReceiver {
public:
    void output(berth::OutputStream stream, std::string_view bytes) override { counts_[stream] += bytes.size(); }
    [[nodiscard]] std::size_t of(berth::OutputStream stream) const {
        const auto found = counts_.find(stream);
        return found == counts_.end() ? 0 : found->second;
    }

private:
    std::map<berth::OutputStream, std::size_t> counts_;
};

/// Berth's side of each comparison.
class Provider {
public:
    Provider(const std::string& plugins, const Vendor& vendor, const std::string& sandbox, std::string place)
        : host_(cloud_options(plugins, vendor, place + "/state")),
          sandbox_{vendor.name, sandbox},
          place_(std::move(place)) {}

    void in_turn(int count) {
        for (int index = 0; index < count; ++index)
            one();
    }
    void in_flight_at_once(int count) {
        std::atomic<int> left{count};
        std::vector<std::thread> threads;
        for (int thread = 0; thread < std::min(count, in_flight); ++thread)
            threads.emplace_back([&] {
                while (left.fetch_sub(1) > 0)
                    one();
            });
        for (auto& thread : threads)
            thread.join();
    }
    void upload(const std::string& file) {
        const std::array files{berth::FileOperation{file, "berth.bin", {}, {}}};
        host_.upload_files(sandbox_, files);
    }
    void download(const std::string& file) {
        const std::array files{berth::FileOperation{place_ + "/got.bin", file, {}, {}}};
        (void)host_.download_files(sandbox_, files);
    }
    /// A log of so many bytes, which are base64 of what both streams said in turn.
    void follow(std::size_t log_bytes) {
        Counter counter;
        auto process = host_.execute_stream(sandbox_, command({"true"}), counter);
        if (process.wait().exit_code != 0) throw std::runtime_error("true failed");
        for (const auto stream : {berth::OutputStream::output, berth::OutputStream::error})
            if (counter.of(stream) < log_bytes / 4) throw std::runtime_error("bytes of a followed log are missing");
    }

private:
    void one() {
        if (host_.execute(sandbox_, command({"true"})).exit_code != 0) throw std::runtime_error("true failed");
    }

    berth::Host host_;
    berth::SandboxName sandbox_;
    std::string place_;
};

/// How much more memory a large file takes than a small one, up and down.
json memory(Provider& provider, const std::string& place, const Arguments& given) {
    const auto both_ways = [&](const char* name, int bytes) {
        const auto file = place + "/" + name;
        write_random(file, static_cast<std::size_t>(bytes));
        provider.upload(file);
        provider.download("berth.bin");
        return peak_kibibytes();
    };
    const double before = both_ways("small.bin", given.number("small", 1 << 20));
    return {{"memory_growth_kib", both_ways("large.bin", given.number("large", 1 << 30)) - before}};
}

/// Adds Berth's side and libcurl's.
void add_sides(Comparison& comparison, const std::string& what, int times, Provider& provider, const Vendor& vendor,
               const std::string& place) {
    const auto own = vendor.name + ".so";
    if (what == "turn") {
        const auto bare = std::make_shared<BareClient>();
        comparison.add("libcurl", timed([=, &vendor] {
                           for (int index = 0; index < times; ++index)
                               (void)bare->send(vendor.command);
                       }));
        comparison.add(own, timed([=, &provider] { provider.in_turn(times); }));
    } else if (what == "flight") {
        comparison.add("libcurl multi",
                       timed([=, &vendor] { BareClient::send_many(vendor.command, times, in_flight); }));
        comparison.add(own, timed([=, &provider] { provider.in_flight_at_once(times); }));
    } else if (what == "upload") {
        const auto file = place + "/up.bin";
        write_random(file, static_cast<std::size_t>(times));
        comparison.add(own, timed([=, &provider] { provider.upload(file); }));
        if (vendor.upload) {
            const auto request = vendor.upload(content_of(file));
            comparison.add("libcurl", timed([=] { (void)BareClient().send(request); }));
        }
    } else if (what == "download") {
        comparison.add(own, timed([&provider] { provider.download("download.bin"); }));
        if (!vendor.download.url.empty()) {
            comparison.add("libcurl", timed([=, &vendor] {
                               if (BareClient().send(vendor.download) != static_cast<std::size_t>(times))
                                   throw std::runtime_error("a download came without its end");
                           }));
        }
    } else if (what == "follow" && vendor.follow) {
        const auto bytes = static_cast<std::size_t>(times);
        comparison.add("Boost.Beast that counts", timed([=, &vendor] {
                           if (vendor.follow() < bytes) throw std::runtime_error("the log came without its end");
                       }));
        comparison.add(own, timed([=, &provider] { provider.follow(bytes); }));
    } else {
        throw std::runtime_error("--what: turn, flight, upload, download, follow or memory; found " + what);
    }
}

using Companions = std::vector<std::unique_ptr<Companion>>;

/// Adds the official client's side. What is given back has to live as long as the comparison runs.
Companions add_official(Comparison& comparison, const std::string& what, int times, const Vendor& vendor,
                        const std::string& place, const Arguments& given) {
    Companions companions;
    const auto script = given.text("official");
    if (script.empty() || what == "follow") return companions;
    const auto add = [&](const std::string& figure, const std::string& word) {
        companions.push_back(std::make_unique<Companion>(
            std::vector<std::string>{given.text("node", "node"), script, word, std::to_string(times)},
            place + "/official-" + word));
        comparison.add(figure, [client = companions.back().get()] { return std::vector<double>{client->step()}; });
    };
    add("official client", what);
    if (what == "turn") {
        for (const auto& way : vendor.other_official_ways)
            add("official client, " + way, way);
    }
    return companions;
}

json measure(const Arguments& given, VendorOf vendor_of) {
    const Place place(given.text("place", "/var/tmp"));
    const auto what = given.text("what");
    const int times = given.number("count", 100);
    const auto about = json::parse(given.text("about"));
    const auto vendor = vendor_of(about);
    Provider provider(given.text("plugins"), vendor, about.at("sandbox").get<std::string>(), place.path());
    if (what == "memory") return memory(provider, place.path(), given);
    Comparison comparison;
    add_sides(comparison, what, times, provider, vendor, place.path());
    const auto companions = add_official(comparison, what, times, vendor, place.path(), given);
    comparison.keep_only(given.text("only"));
    comparison.run(given.number("rounds", 9), given.number("warmup", 1));
    return comparison.report();
}

}  // namespace

berth::HostOptions cloud_options(const std::string& plugins, const Vendor& vendor, const std::string& state) {
    auto options = embedded_options(plugins, state);
    auto& provider = options.configuration.providers.front();
    provider.name = vendor.name;
    provider.plugin = vendor.name;
    provider.config = {};
    provider.config.value = vendor.configuration;
    provider.config.value[vendor.secret_option] = "${env:BERTH_BENCH_SECRET}";
    options.configuration.default_provider = vendor.name;
    auto variables = options.environment_variables.variables();
    variables["BERTH_BENCH_SECRET"] = vendor.secret;
    options.environment_variables = berth::EnvironmentVariables(std::move(variables));
    options.state_directory = state;
    return options;
}

int run_cloud_bench(int count, char** words, VendorOf vendor_of) {
    return print_report("bench", [&] { return measure(Arguments(count, words), vendor_of); });
}

}  // namespace bench
