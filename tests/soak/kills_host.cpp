// A program that embeds Berth and is killed in the middle of it: several threads use sandboxes of their own and write down
// what they begin and what they were told, line by line, for whoever looks at what is left.
//   kills_host CONFIGURATION SEED SANDBOXES FOLDER PROVIDER...    one thread for each provider named
// SANDBOXES: a file with the full names of sandboxes that are there already. FOLDER: journals (N.journal) and downloads.
// A file's content is one token of eight characters, again and again, so that it can be told from any other, and from half.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"
#include "config/reader.hpp"
#include "engine/host.hpp"

namespace {

constexpr std::size_t token_length = 8;
constexpr std::size_t most_sandboxes = 3;

/// Each line is there whole or not at all, whoever is killed: it is one write of few bytes.
class Journal {
public:
    explicit Journal(const std::string& path)
        : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
    void line(std::initializer_list<std::string_view> words) const {
        std::string text;
        for (const auto word : words)
            text.append(text.empty() ? "" : " ").append(word);
        text += '\n';
        if (::write(file_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
    }

private:
    berth::FileDescriptor file_;
};

class User {
public:
    User(berth::Host& host, std::string provider, std::uint64_t seed, const std::string& folder, std::size_t number)
        : host_(host),
          provider_(std::move(provider)),
          journal_(folder + "/" + std::to_string(number) + ".journal"),
          downloads_(folder + "/downloads/" + std::to_string(number) + "-"),
          random_(seed + number) {}

    void take(berth::SandboxName sandbox) { sandboxes_.push_back(std::move(sandbox)); }
    [[nodiscard]] const std::string& provider() const noexcept { return provider_; }

    /// Until somebody kills this process.
    [[noreturn]] void run() {
        for (;;) {
            const auto act = random_() % 16;
            if (sandboxes_.empty() || (act < 3 && sandboxes_.size() < most_sandboxes)) {
                create();
            } else if (act < 4) {
                destroy();
            } else if (act < 9) {
                upload();
            } else if (act < 12) {
                download();
            } else {
                execute();
            }
        }
    }

private:
    /// False: the worker was killed meanwhile. Nothing else may go wrong.
    template <typename Function>
    bool went_well(const Function& function) {
        try {
            function();
            return true;
        } catch (const berth::Error& error) {
            if (error.diagnostic() == "BERTH-W-01") return false;
            broken(error.what());
        } catch (const std::exception& error) {
            broken(error.what());
        }
    }
    [[noreturn]] void broken(std::string_view what) {
        journal_.line({"broken", what});
        std::_Exit(EXIT_FAILURE);
    }

    [[nodiscard]] std::size_t any() { return random_() % sandboxes_.size(); }
    [[nodiscard]] std::string token() {
        static constexpr char digits[] = "0123456789abcdef";
        std::string text;
        while (text.size() < token_length)
            text += digits[random_() % 16];
        return text;
    }

    void create() {
        const auto mark = token();
        berth::CreateRequest request;
        request.provider = provider_;
        request.config.persistent = true;
        request.config.labels = {{"token", mark}};
        journal_.line({"creating", provider_, mark});
        berth::SandboxInfo made;
        if (!went_well([&] { made = host_.create(request); })) return;
        sandboxes_.push_back({made.provider, made.id});
        journal_.line({"created", sandboxes_.back().text(), mark});
    }
    void destroy() {
        const auto which = any();
        const auto sandbox = sandboxes_[which];
        sandboxes_.erase(sandboxes_.begin() + static_cast<std::ptrdiff_t>(which));
        journal_.line({"destroying", sandbox.text()});
        if (went_well([&] { host_.destroy(sandbox); })) journal_.line({"destroyed", sandbox.text()});
    }
    void upload() {
        const auto& sandbox = sandboxes_[any()];
        const std::string path = "/workspace/file" + std::to_string(random_() % 3);
        const auto content = token();
        static constexpr std::size_t counts[] = {1, 100, 5'000, 30'000, 100'000};
        const auto count = counts[random_() % std::size(counts)];
        berth::FileOperation file;
        file.sandbox_path = path;
        file.content.emplace();
        for (std::size_t part = 0; part < count; ++part)
            *file.content += content;
        journal_.line({"uploading", sandbox.text(), path, content, std::to_string(count)});
        if (went_well([&] { host_.upload_files(sandbox, {&file, 1}); }))
            journal_.line({"uploaded", sandbox.text(), path, content, std::to_string(count)});
    }
    void download() {
        const auto& sandbox = sandboxes_[any()];
        berth::FileOperation file;
        file.sandbox_path = "/workspace/file" + std::to_string(random_() % 3);
        file.local_path = downloads_ + std::to_string(random_() % 4);
        try {
            (void)host_.download_files(sandbox, {&file, 1});
        } catch (const berth::Error& error) {
            // Never uploaded, or not to its end.
            if (error.code() != berth::Code::file_not_found && error.diagnostic() != "BERTH-W-01") broken(error.what());
        }
    }
    void execute() {
        const auto& sandbox = sandboxes_[any()];
        const auto mark = token();
        berth::ProcessConfig process;
        process.command = "sh";
        // A child that outlives the command, and a command that takes a moment.
        static constexpr const char* lines[] = {"echo $0", "sleep 0.2; echo $0", "setsid sleep 0.3 & echo $0"};
        process.args = {"-c", lines[random_() % std::size(lines)], mark};
        berth::ProcessResult result;
        if (!went_well([&] { result = host_.execute(sandbox, process); })) return;
        if (result.exit_code != 0 || result.standard_output != mark + "\n")
            broken("execute ended with " + std::to_string(result.exit_code) + " and put out " + result.standard_output);
    }

    berth::Host& host_;
    const std::string provider_;
    const Journal journal_;
    const std::string downloads_;
    std::mt19937_64 random_;
    std::vector<berth::SandboxName> sandboxes_;
};

[[noreturn]] void run(int count, char** words) {
    const auto variables = berth::EnvironmentVariables::of_process();
    berth::HostOptions options;
    options.configuration = berth::load_configuration(words[1], variables);
    options.environment_variables = variables;
    berth::Host host(std::move(options));
    std::deque<User> users;  // which stay where they are
    for (int word = 5; word < count; ++word)
        users.emplace_back(host, words[word], std::strtoull(words[2], nullptr, 10), words[4], users.size());
    std::ifstream sandboxes(words[3]);
    std::string name;
    for (std::size_t turn = 0; sandboxes >> name;) {
        auto sandbox = berth::SandboxName::parse(name);
        for (std::size_t tried = 0; tried < users.size(); ++tried) {
            auto& user = users[turn++ % users.size()];
            if (user.provider() != sandbox.provider) continue;
            user.take(std::move(sandbox));
            break;
        }
    }
    std::vector<std::thread> threads;
    threads.reserve(users.size());
    for (auto& user : users)
        threads.emplace_back([&user] { user.run(); });
    for (auto& thread : threads)
        thread.join();
    std::abort();  // they have no end
}

}  // namespace

int main(int count, char** words) {
    if (count < 6) return EXIT_FAILURE;
    try {
        run(count, words);
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << '\n';
        return EXIT_FAILURE;
    }
}
