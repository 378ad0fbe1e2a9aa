/**
 * sha256 of the Linux binaries in @btc-vision/uwebsockets.js@20.57.0 (Node 20, 22, 24, 25): as they come from npm, and
 * after `rebindToOlderGlibc`. A new version of the package needs new lines here, or the step refuses its files.
 * @type {Readonly<Record<string, { shipped: string, patched: string }>>}
 */
export const KNOWN_BINARIES = {
  'uws_linux_x64_115.node': {
    shipped: '5b126ee00bf754b02e97e4c27090365a8562c5820c93f93918ac2212d4503e91',
    patched: '99c319b6b0a6dd804608a638743ddaa09416a48bb00e11eb6db900f1114c4fb2',
  },
  'uws_linux_x64_127.node': {
    shipped: '4b55b1f2cb7a7913febbb65a89496412b96af77e838552980092ba6b33723aac',
    patched: '3d1139b328939f90e29f37f897e96e0866f79b0765e0ceecb8a4ba25c0ed77ec',
  },
  'uws_linux_x64_137.node': {
    shipped: '98128405dba2fb608448e921a979530f70c946a2cc9889c15f2fa70c2d00ab05',
    patched: '439ac761f4c461c5d456ac8c48471087453e0e861b31960839ac8593044d3adb',
  },
  'uws_linux_x64_141.node': {
    shipped: '813d788b347c6fd76b779d8932311ec05a044e612b4b83af220f16e6ea789683',
    patched: 'a2eda4a27bd53c0ddaa0c9d59552a48fe08165fdd986aff8a6f3c6c072b37d9d',
  },
  'uws_linux_arm64_115.node': {
    shipped: '6bdbc8ff976b4371af1906175e9025804bacc38a414969f4f02314e6b99f206c',
    patched: 'bcaf86a978e9191b34587b13d1148c09234531ee82304354669307b98052c746',
  },
  'uws_linux_arm64_127.node': {
    shipped: '82b79bd18d1e3563de336156005bd01b7f39fc387b65173d69a29da4ee79f895',
    patched: 'bc9ac9bfd9dfdd59672fa409e5748f062d05d51a5027a89ea96618df9896b023',
  },
  'uws_linux_arm64_137.node': {
    shipped: '88618b30ddf6b2b62310db89f40a701616676352aac5e0f6184dd8ef876199ce',
    patched: 'd1c0aedd1e2eb95ac68d1f911ed4a70bba32b3e606a766c2fdca1ac04d57c266',
  },
  'uws_linux_arm64_141.node': {
    shipped: '81d0186dd1549ed6a7f47e68e323573fc27d69d2920527654ce2dd993af2b0ec',
    patched: '6fd7575b0c2ec3e93771c39c6ea8d50e7d12f92f781db0687d95948202fe32eb',
  },
};

/**
 * sha256 of the binaries of the same package for other systems, which are used as they come.
 * @type {Readonly<Record<string, string>>}
 */
const OTHER_BINARIES = {
  'uws_darwin_arm64_115.node': 'e92644395ac8d37cb078098f843fb1b82e59701832f38fed00a9bdcfb87ba939',
  'uws_darwin_arm64_127.node': '6180345d453e2e113feb2b0d76376493cd6a90056c3483fc22de7b0c340dc231',
  'uws_darwin_arm64_137.node': '2187391c702fa7ad3bf685eff7712c15cf24fa7cf324a131dfcbae3fd0f20a9a',
  'uws_darwin_arm64_141.node': '8555586f69116620ac17540b2a7a2459c5db1cebee5c36fd77157dd352fabf82',
  'uws_darwin_x64_115.node': 'f661b97951ffdf54324e514becda0a2740f723c9fd3c7098e812a0e7714651ed',
  'uws_darwin_x64_127.node': 'fd551673f3ce1f104d7cec3ba8f628d9d04853eff1045c9d95983372ed90bca0',
  'uws_darwin_x64_137.node': '98fd7e9456e2d37d3262b05b053d673830927f91c63c0c2ae73bde8d19eef293',
  'uws_darwin_x64_141.node': 'e64e8a42347b5f9861b0f2bfa0981d8e48914e9b26ec73e133ba454d9a580777',
  'uws_win32_x64_115.node': '1ffbe9b09607fd9c90e98661383de2bd844b06d4f25ab502f3361d8d8fac559f',
  'uws_win32_x64_127.node': 'b4fa85dd015d6d32655f75e9d5b2480124b7649d9265a2b84d8dafe37f88f838',
  'uws_win32_x64_137.node': '84ae72d2149e6ffa2a44063344073599027b1ce8bffaab3957903f966b0c6bb9',
  'uws_win32_x64_141.node': '59346e454b89d2d0ed1609b7581683bb9fde7edaf3b3f04fe4f6fe03e34c8afd',
};

/**
 * What a binary's sha256 may be; none for one that is not known.
 * @param {string} name of the file
 * @returns {readonly string[]}
 */
export function pinnedHashes(name) {
  if (Object.hasOwn(OTHER_BINARIES, name)) return [OTHER_BINARIES[name] ?? ''];
  const known = Object.hasOwn(KNOWN_BINARIES, name) ? KNOWN_BINARIES[name] : undefined;
  return known === undefined ? [] : [known.shipped, known.patched];
}
