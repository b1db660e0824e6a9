// A plugin class with one fault, chosen by a macro; compile_failures.py says what the compiler must answer to each.
#include <berth/provider.hpp>

#ifdef FINAL_CLASS
#define MARK final
#else
#define MARK
#endif

class Bad MARK {
public:
#ifdef NO_CONSTRUCTOR
    explicit Bad(int) {}
#else
    Bad(berth::Host, const berth::Settings&) {}
#endif
    berth::SandboxInfo create(berth::Call&, const berth::SandboxConfig&, berth::FileSource&) {
        return {};
    }
    berth::SandboxInfo get(berth::Call&, std::string_view) {
        return {};
    }
    std::vector<berth::SandboxInfo> list(berth::Call&) {
        return {};
    }
#ifndef TWO_FORGOTTEN
    void destroy(berth::Call&, std::string_view) {}
#endif
    berth::ProcessEnd execute(berth::Call&, std::string_view, const berth::Process&, berth::ProcessSink&) {
        return {};
    }
#ifdef MISSPELT
    berth::ProcessEnd executeStream(berth::Call&, std::string_view, const berth::Process&, berth::ProcessSink&) {
#else
    berth::ProcessEnd execute_stream(berth::Call&, std::string_view, const berth::Process&, berth::ProcessSink&) {
#endif
        return {};
    }
    void upload_files(berth::Call&, std::string_view, berth::FileSource&) {}
    void download_files(berth::Call&, std::string_view, berth::Paths, berth::FileSink&) {}
    berth::Usage get_resource_usage(berth::Call&, std::string_view) {
        return {};
    }
#if !defined FORGOTTEN && !defined TWO_FORGOTTEN
#ifdef WRONG_RESULT
    int is_ready(berth::Call&, std::string_view) {
        return 1;
    }
#else
    bool is_ready(berth::Call&, std::string_view) {
        return true;
    }
#endif
#endif
#ifdef PRIVATE_METHOD
private:
#endif
    berth::SandboxInfo restart(berth::Call&, std::string_view) {
        return {};
    }

public:
#ifdef WRONG_OPTIONAL
    std::string create_snapshot(berth::Call&, std::string_view) {
        return {};
    }
#endif
#ifdef HALF_A_PAIR
    std::vector<berth::SnapshotInfo> list_snapshots(berth::Call&) {
        return {};
    }
#endif
#ifdef FOLLOWS_WITHOUT_SINK
    std::string get_logs(berth::Call&, std::string_view, const berth::LogOptions&) {
        return {};
    }
#endif
};

#ifdef FOLLOWS_WITHOUT_SINK
BERTH_PLUGIN(Bad, R"({"name": "bad", "version": "1.0.0", "features": ["log_follow"]})")
#else
BERTH_PLUGIN(Bad, R"({"name": "bad", "version": "1.0.0"})")
#endif
