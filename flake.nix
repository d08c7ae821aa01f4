# nix run . -- --memory-backed; nix develop
{
  description = "A null block device in userspace, served over NBD";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = nixpkgs.lib.genAttrs systems;
      packageOf = pkgs: pkgs.buildNpmPackage {
        pname = "tnull";
        version = (builtins.fromJSON (builtins.readFile ./package.json)).version;
        src = self;
        npmDeps = pkgs.importNpmLock { npmRoot = self; };
        npmConfigHook = pkgs.importNpmLock.npmConfigHook;
        nodejs = pkgs.nodejs_22;
        # What is packed needs no packages beside it.
        npmInstallFlags = [ "--ignore-scripts" ];
        dontNpmPrune = true;
        installPhase = ''
          runHook preInstall
          mkdir -p $out/lib/tnull $out/bin
          cp -r bin dist docs packaging clients examples package.json $out/lib/tnull/
          makeWrapper ${pkgs.nodejs_22}/bin/node $out/bin/tnull --add-flags $out/lib/tnull/bin/tnull.js
          runHook postInstall
        '';
        nativeBuildInputs = [ pkgs.makeWrapper ];
        meta.mainProgram = "tnull";
      };
    in {
      packages = each (system: { default = packageOf nixpkgs.legacyPackages.${system}; });
      devShells = each (system:
        let pkgs = nixpkgs.legacyPackages.${system}; in {
          default = pkgs.mkShell { packages = [ pkgs.nodejs_22 pkgs.libnbd pkgs.qemu-utils pkgs.fio ]; };
        });
    };
}
