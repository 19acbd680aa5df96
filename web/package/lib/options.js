// The options of callers as web_open (web/module/module.h) takes them.
export const separatorOptions = ({ stems, segment, overlap, transitionPower, shifts, seed }) => ({
    segment: segment ?? 0,
    overlap: overlap ?? 0.25,
    transition_power: transitionPower ?? 1,
    shifts: shifts ?? 0,
    seed: seed ?? 0,
    ...(stems ? { stems } : {}),
});
