# Makes a system that starts in a virtual machine out of the sandbox's: a kernel, an initramfs, the packages
# that are installed while its power is cut, and the disk's image. Our packages, if they are to be in it, are in /t/ng.
set -e
export DEBIAN_FRONTEND=noninteractive
mount --bind /t/archives /var/cache/apt/archives
mount --bind /t/lists /var/lib/apt/lists
apt="apt-get -q -y --no-install-recommends -o APT::Sandbox::User=root -o APT::Keep-Downloaded-Packages=1"
$apt update
if [ -d /t/ng ]; then
	dpkg -i /t/ng/*.deb
fi
$apt install linux-image-cloud-amd64 systemd-sysv udev initramfs-tools e2fsprogs zstd strace

P=/srv/power
mkdir -p $P
cp /t/guest/*.sh $P/
chmod 755 $P/init.sh
for v in 1 2; do
	mkdir $P/v$v
	for n in $(seq 12); do
		p=power$n
		w=/t/w/$p
		mkdir -p $w/DEBIAN $w/etc $w/usr/share/power/$p $w/usr/share/power/only$v
		for f in $(seq 25); do
			yes "$p $v $f" | head -n $((f * f * 5)) >$w/usr/share/power/$p/$f
		done
		ln -s 1 $w/usr/share/power/$p/link
		ln $w/usr/share/power/$p/2 $w/usr/share/power/$p/another
		echo "$p $v" >$w/usr/share/power/only$v/$p
		echo "setting=$v" >$w/etc/$p.conf
		echo /etc/$p.conf >$w/DEBIAN/conffiles
		cat >$w/DEBIAN/control <<-END
			Package: $p
			Version: $v
			Architecture: all
			Maintainer: nobody <nobody@example.org>
			Description: what the power is cut for
		END
		[ $n = 1 ] || echo "Depends: power$((n - 1))" >>$w/DEBIAN/control
		[ $n != 1 ] || echo "interest-noawait /usr/share/power" >$w/DEBIAN/triggers
		cat >$w/DEBIAN/postinst <<-END
			#!/bin/sh
			[ "\$1" = triggered ] || update-alternatives --quiet --install /usr/bin/power power /usr/share/power/$p/1 $n
		END
		cat >$w/DEBIAN/prerm <<-END
			#!/bin/sh
			[ "\$1" = upgrade ] || update-alternatives --quiet --remove power /usr/share/power/$p/1
		END
		chmod 755 $w/DEBIAN/postinst $w/DEBIAN/prerm
		(cd $w; find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
		dpkg-deb --root-owner-group -b $w $P/v$v/$p.deb >/dev/null
		(cd $w; find usr etc -type f -exec sha256sum {} + | sed 's,  ,  /,') >>$P/sums
		rm -r $w
	done
done
sort -o $P/sums $P/sums

# A program and a library that are rewritten, in two versions, and what they depend on.
mkdir $P/more
cd $P/more
$apt download less libtinfo6 libc6 libgcc-s1 gcc-14-base
for v in 1 2; do
	dpkg-deb -R less_*.deb /t/w/less
	sed -i "s/^Version: .*/&+$v/" /t/w/less/DEBIAN/control
	echo $v >/t/w/less/usr/share/doc/less/power
	dpkg-deb --root-owner-group -Zgzip -b /t/w/less $P/v$v/less.deb >/dev/null
	rm -r /t/w/less
done
rm less_*.deb
cd /

# Started once at the end, as any system is.
cat >/etc/systemd/system/power.service <<-END
	[Unit]
	Description=says how the system is
	[Service]
	ExecStart=$P/init.sh
	[Install]
	WantedBy=multi-user.target
END
ln -s ../power.service /etc/systemd/system/multi-user.target.wants/
echo "/dev/vda / ext4 errors=remount-ro 0 1" >/etc/fstab
umount /var/cache/apt/archives /var/lib/apt/lists

cp /boot/vmlinuz-* /t/out/kernel
cp /boot/initrd.img-* /t/out/initrd
mkdir /t/image
mount --bind / /t/image
rm -f /t/out/disk
truncate -s 2G /t/out/disk
mkfs.ext4 -q -d /t/image /t/out/disk
