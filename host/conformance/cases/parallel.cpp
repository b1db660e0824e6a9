// Many calls at once: docs/contract.md 1.5.
#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

/// Counts a latch down once: when told, or at the latest when it goes.
class CountDown {
public:
    explicit CountDown(std::latch& latch) : latch_(latch) {}
    ~CountDown() { now(); }
    CountDown(const CountDown&) = delete;
    CountDown& operator=(const CountDown&) = delete;
    void now() {
        if (!std::exchange(done_, true)) latch_.count_down();
    }

private:
    std::latch& latch_;
    bool done_ = false;
};

void executes(Context& context) {
    const auto sandbox = context.shared();
    at_once(context, 200, [&](int index) {
        auto process = Context::shell_process("printf \"$MINE\"; printf \"err $MINE\" >&2; exit $((MINE % 200))");
        process.environment.env = {{"MINE", std::to_string(index)}};
        const auto result = context.host().execute(sandbox, process, Context::bounded());
        context.equal(result.standard_output, std::to_string(index), "stdout");
        context.equal(result.standard_error, "err " + std::to_string(index), "stderr");
        context.equal(result.exit_code, index % 200, "exit code");
    });
}

void streams(Context& context) {
    const auto sandbox = context.shared();
    std::mutex mutex;
    std::set<std::int64_t> pids;
    // Counted down by each thread whatever happens to it, so that none waits for one that failed.
    std::latch all_begun(20);
    at_once(context, 20, [&](int index) {
        CountDown count_down(all_begun);
        auto process = context.host().execute_stream(
            sandbox, Context::shell_process("echo " + std::to_string(index) + "; exec sleep 3600"), Context::bounded());
        std::array<std::byte, 16> buffer{};
        context.expect(process.standard_output()->read(buffer) > 0, "it has begun");
        count_down.now();
        if (const auto pid = process.pid()) {
            const std::lock_guard lock(mutex);
            context.expect(pids.insert(*pid).second, "pids are unique while they live");
        }
        all_begun.wait();  // only then are the pids comparable
        process.kill(9);
        context.equal(process.wait().status, ProcessStatus::killed, "status");
    });
}

void creates(Context& context) {
    std::mutex mutex;
    std::set<std::string> ids;
    at_once(context, 8, [&](int) {
        CreateRequest request;
        request.provider = context.provider();
        const auto info = context.host().create(request, Context::bounded());
        const std::lock_guard lock(mutex);
        context.adopt({info.provider, info.id});
        context.expect(ids.insert(info.id).second, "every create gives its own id");
    });
}

void destroys(Context& context) {
    const auto sandbox = context.fresh();
    std::atomic<int> succeeded = 0;
    at_once(context, 4, [&](int) {
        try {
            context.host().destroy(sandbox, Context::bounded());
            ++succeeded;
        } catch (const Error& error) {
            context.equal(name_of(error.code()), name_of(Code::not_found), "the others' answer");
        }
    });
    context.expect(succeeded >= 1, "one destroy succeeds");
}

void destroy_while_executing(Context& context) {
    const auto sandbox = context.fresh();
    std::thread destroyer([&] {
        try {
            wait_until(
                context, [&] { return context.shell(sandbox, "test -e begun").exit_code == 0; }, "it has begun");
            context.host().destroy(sandbox, Context::bounded());
        } catch (const std::exception&) {
            // The execute below then runs into its deadline and the case fails there.
        }
    });
    ProcessResult result;
    std::exception_ptr failure;
    try {
        result = context.shell(sandbox, "touch begun; sleep 3600");
    } catch (...) {
        failure = std::current_exception();
    }
    destroyer.join();
    if (failure) std::rethrow_exception(failure);
    context.equal(result.status, ProcessStatus::killed, "status of the process");
    context.refused(
        Code::not_found, [&] { context.run(sandbox, {"true"}); }, "a later call");
}

void one_file_many_writers(Context& context) {
    const auto file = context.unique_path("contended");
    at_once(context, 5, [&](int index) {
        const std::vector<FileOperation> files{
            FileOperation{"", file, {}, std::string(300'000, static_cast<char>('a' + index))}};
        context.host().upload_files(context.shared(), files, Context::bounded());
    });
    const auto content = context.output_of(context.shared(), "cat " + file);
    context.equal(content.size(), std::size_t{300'000}, "size");
    context.expect(content == std::string(content.size(), content.front()), "one whole version wins");
}

void transfers_beside_executes(Context& context) {
    const auto sandbox = context.fresh();
    at_once(context, 10, [&](int index) {
        const auto name = "file-" + std::to_string(index);
        const std::vector<FileOperation> up{FileOperation{"", name, {}, "content " + name}};
        context.host().upload_files(sandbox, up, Context::bounded());
        context.equal(context.output_of(sandbox, "cat " + name), "content " + name, "read by a process");
        const HostDirectory host;
        const std::vector<FileOperation> down{FileOperation{host.path("back"), name, {}, {}}};
        context.host().download_files(sandbox, down, Context::bounded());
        context.equal(host.read("back"), "content " + name, "read back");
    });
}

}  // namespace

std::vector<Case> parallel_cases() {
    return {
        {"parallel", "200 executes at once each have their own output", executes, {}},
        {"parallel", "20 streams live side by side", streams, {}},
        {"parallel", "creates at once give different sandboxes", creates, {}},
        {"parallel", "of several destroys one succeeds and none crashes", destroys, {}},
        {"parallel", "destroy during execute is a killed result", destroy_while_executing, {}},
        {"parallel", "of several writers of one file one whole version wins", one_file_many_writers, {}},
        {"parallel", "transfers run beside executes", transfers_beside_executes, {}},
    };
}

}  // namespace berth::inline host_v1::conformance
