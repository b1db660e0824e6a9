// A library that is there when a plugin is linked and not found when it is loaded.
extern "C" __attribute__((visibility("default"))) int berth_absent_library();
int berth_absent_library() {
    return 0;
}
